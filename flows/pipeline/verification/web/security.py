"""What every answer carries: a browser that runs, frames, sends and loads only what is ours.

Pictures are the exception: they come from the shops' sites, by http or https, which learn nothing
of where they are shown.
No script and no style stands inside a page; htmx is told not to bring its own.
"""

from __future__ import annotations

from typing import Final

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' http: https:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    # With "no-referrer" a browser also withholds the origin from our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}

UNCACHED: Final = "no-store"
"""Pages hold customers' prices and a person's forms."""
CACHED: Final = "public, max-age=31536000, immutable"
"""Files whose address holds their content's hash."""
