"""Drivers of sites that are not fetched by us: a Scrapy spider, or a script of any language.

Both run as a program of their own and write one JSON object a line to standard output, an item
with the fields of a product (`name`, `price`, `currency`, `url`, `sku`, `gtin`, …). The items go
into the archive like a page, and are read like a feed. What a program asks of a site is its own
affair: it is told the pace and the user agent that the site file and the settings want.
"""
