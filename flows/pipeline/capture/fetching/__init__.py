"""Fetching: from site files to pages that are kept, politely, and taken up where it was killed.

One event loop for a batch of sites; each site has its own connections, its own pace and its own
frontier. What was asked and answered is a `Visit`, a line in the site's journal; what was
answered is a page in the archive, named by its content. Extraction reads both, later and as
often as one likes: nothing is fetched for it.

This package promises: no address that is not allowed is connected to (``addresses``,
``connect``); robots.txt is obeyed (``robots``); no host is asked faster than its pace (``pace``,
``gate``); no answer is larger in memory than its cap (``body``); a page that is in the journal is
not asked for again (``frontier``, ``journal``).
"""
