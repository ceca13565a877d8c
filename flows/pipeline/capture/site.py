"""What is known of one site: where its pages are, how fast it may be asked, how it writes prices.

A site is data, one YAML file, written by someone who looked at the site once; ``site_file`` reads
it. Most sites need a name and one way to their pages, and nothing else: extraction works without
rules. A rule for a field is a CSS selector or a path into embedded JSON, and goes before
everything that the page says of itself.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator
from selectolax.lexbor import LexborHTMLParser

from flows.pipeline.normalise.price import ISO_4217

Driver: TypeAlias = Literal["html", "feed", "scrapy", "script"]
FeedFormat: TypeAlias = Literal["csv", "xml", "json", "google_merchant"]
RuleField: TypeAlias = Literal[
    "name", "price", "regular_price", "currency", "availability", "sku", "gtin", "mpn", "brand",
    "description", "images", "breadcrumbs",
]  # fmt: skip


def _web_address(value: str) -> str:
    try:
        parts = urlsplit(value)
    except ValueError as error:
        raise ValueError(f"{value!r} is no address: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{value!r} is no web address; write it with https:// and a host")
    if parts.username or parts.password:
        raise ValueError("an address holds no credentials; name a token of the settings instead")
    return value


Address: TypeAlias = Annotated[str, AfterValidator(_web_address)]


class FieldRule(BaseModel):
    """Where a field stands on every page of the site.

    Attributes:
        css: a selector; the first element that it finds.
        attribute: of that element; its text where left out.
        json_path: keys and places joined by points, such as ``props.product.offers.0.price``.
        script: a selector of the script that ``json_path`` leads into; all scripts where left out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    css: str | None = None
    attribute: str | None = None
    json_path: str | None = Field(default=None, alias="json")
    script: str | None = None

    @field_validator("css", "script")
    @classmethod
    def _selects(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                LexborHTMLParser("<p></p>").css_first(value)
            except Exception as error:
                raise ValueError(f"{value!r} is no CSS selector") from error
        return value

    @model_validator(mode="after")
    def _one_way(self) -> FieldRule:
        if (self.css is None) == (self.json_path is None):
            raise ValueError("give either css or json")
        if self.attribute is not None and self.css is None:
            raise ValueError("attribute goes with css")
        if self.script is not None and self.json_path is None:
            raise ValueError("script goes with json")
        return self


class Feed(BaseModel):
    """A feed that lists the products.

    Attributes:
        url: where it is.
        format: how it is written.
        columns: field of the product → the feed's column, element or JSON path, where the names
            are not the usual ones.
        items: for JSON and XML, the path to the list of products or the name of its element.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: Address
    format: FeedFormat
    columns: dict[RuleField | Literal["url"], str] = {}
    items: str | None = None
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)


class Site(BaseModel):
    """One site.

    Attributes:
        name: lower case, digits and dashes; names the site in reports and in the store.
        start_urls: pages from which product pages are found.
        sitemap: address of a sitemap.
        feed: a feed of products.
        product_list: addresses of product pages, or the path of a file with one on each line.
        rate: requests a second, at the most.
        concurrency: requests at the same time, at the most.
        locale: language and country, such as ``de-AT``.
        currency: ISO 4217; what a price without a sign is in.
        decimal: the decimal sign of its prices.
        rules: fields that are read by rule.
        expected_pages: how many product pages a full run finds, about.
        product_urls: a regular expression that the addresses of product pages match, and no
            others; without it every page of the site may be one.
        max_pages: pages that are visited at the most; three times ``expected_pages`` where left
            out.
        driver: how the site is captured.
        spider: for the driver scrapy, ``package.module:Spider``.
        script: for the driver script, the command's path.
        proxy: the name of a proxy from the settings.
        token: the name of a token from the settings, sent as bearer to the site's own hosts.
        known_as: the address under which people know the site, where it is captured from another,
            such as a mirror or a rehearsal: it stands in the rows.
        hosts: further hosts of the site, to which links and redirects may lead.
        allow_private: requests to private addresses are wanted (a test server); the settings
            must allow the network, too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    start_urls: tuple[Address, ...] = ()
    sitemap: Address | None = None
    feed: Feed | None = None
    product_list: tuple[Address, ...] | str | None = None
    rate: float = Field(default=1.0, gt=0, le=20)
    concurrency: int = Field(default=2, ge=1, le=16)
    locale: str | None = Field(
        default=None, pattern=r"^[a-z]{2,3}(?:-[A-Z][a-z]{3})?(?:-[A-Z]{2})?$"
    )
    currency: str | None = None
    decimal: Literal[".", ","] | None = None
    rules: dict[RuleField, FieldRule] = {}
    expected_pages: int | None = Field(default=None, ge=1)
    product_urls: str | None = None
    max_pages: int | None = Field(default=None, ge=1, le=1_000_000)
    driver: Driver = "html"
    spider: str | None = None
    script: str | None = None
    proxy: str | None = None
    token: str | None = None
    known_as: Address | None = None
    hosts: tuple[str, ...] = ()
    allow_private: bool = False

    @field_validator("product_urls")
    @classmethod
    def _is_pattern(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                re.compile(value)
            except re.error as error:
                raise ValueError(f"{value!r} is no regular expression: {error}") from error
        return value

    @field_validator("currency")
    @classmethod
    def _known_currency(cls, value: str | None) -> str | None:
        if value is not None and value not in ISO_4217:
            raise ValueError(f"{value!r} is no currency code of ISO 4217 such as EUR")
        return value

    @model_validator(mode="after")
    def _has_a_way(self) -> Site:
        needs = {"feed": self.feed, "scrapy": self.spider, "script": self.script}
        if self.driver == "html":
            if not (self.start_urls or self.sitemap or self.product_list):
                raise ValueError("driver html needs start_urls, sitemap or product_list")
        elif needs[self.driver] is None:
            wanted = {"feed": "feed", "scrapy": "spider", "script": "script"}[self.driver]
            raise ValueError(f"driver {self.driver} needs {wanted}")
        return self

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address that the site file names."""
        listed = self.product_list if isinstance(self.product_list, tuple) else ()
        single = (self.sitemap, self.feed.url if self.feed else None)
        return (*self.start_urls, *(one for one in single if one), *listed)
