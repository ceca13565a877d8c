"""Runs an existing Scrapy spider and writes its items as lines of JSON.

Started as a program: ``python spider.py package.module:Spider``. Scrapy 2 obeys robots.txt and
slows down only when it is told to, and knows neither Crawl-delay nor Retry-After; so its delay is
set from the site's pace, AutoThrottle is on, and 429 and 503 are tried again by its middleware.
Settings that the spider sets for itself (``custom_settings``) win, as they do in Scrapy.
"""

import json
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any


def _settings(rate: float, concurrency: int) -> dict[str, Any]:
    from scrapy.settings import default_settings

    new = hasattr(default_settings, "DOWNLOAD_DELAY_JITTER")
    jitter = "DOWNLOAD_DELAY_JITTER" if new else "RANDOMIZE_DOWNLOAD_DELAY"
    return {
        "USER_AGENT": os.environ["DATAWEAVE_AGENT"],
        "ROBOTSTXT_OBEY": True,
        "DOWNLOAD_DELAY": 1.0 / rate,
        jitter: 0,  # a random delay may be half the one that is wanted
        "CONCURRENT_REQUESTS_PER_DOMAIN": concurrency,
        "AUTOTHROTTLE_ENABLED": True,
        "AUTOTHROTTLE_START_DELAY": 1.0 / rate,
        "DOWNLOAD_MAXSIZE": 8_000_000,
        "LOG_LEVEL": "WARNING",
        "TELNETCONSOLE_ENABLED": False,
    }


def main(name: str) -> int:
    """Run a spider; return 0 if it ended by itself."""
    try:
        from itemadapter import ItemAdapter
        from scrapy import signals
        from scrapy.crawler import CrawlerProcess
    except ImportError:
        sys.stderr.write("Scrapy is not installed where the worker runs; install scrapy there\n")
        return 3
    module, _, kind = name.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        spider = getattr(import_module(module), kind)
    except (ImportError, AttributeError) as error:
        sys.stderr.write(f"spider {name} cannot be imported: {error}\n")
        return 4
    rate = float(os.environ["DATAWEAVE_RATE"])
    process = CrawlerProcess(_settings(rate, int(os.environ["DATAWEAVE_CONCURRENCY"])))
    crawler = process.create_crawler(spider)
    reasons: list[str] = []

    def write(item: Any, **_: Any) -> None:
        sys.stdout.write(json.dumps(ItemAdapter(item).asdict(), default=str) + "\n")
        sys.stdout.flush()

    def close(reason: str, **_: Any) -> None:
        reasons.append(reason)

    # By name: Scrapy holds what listens by weak references.
    crawler.signals.connect(write, signals.item_scraped)
    crawler.signals.connect(close, signals.spider_closed)
    process.crawl(crawler)
    process.start()
    return 0 if reasons == ["finished"] else 5


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
