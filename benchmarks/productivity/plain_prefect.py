"""Harbor's day in plain Prefect 2, with the same behaviour: what the SDK saves its authors.

The same as `with_sdk`: classified retries with full jitter that obey Retry-After, last good data
as a fallback, a Degraded state that travels, checks with quarantine and its cap, atomic versions
with a manifest, reuse of an identical run, statistics and summary, a notice, secrets masked.
"""

import hashlib
import inspect
import io
import json
import os
import random
import re
import time
import uuid
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import polars as pl
from prefect import flow, get_run_logger, task
from prefect.artifacts import create_table_artifact
from prefect.states import Completed

CUSTOMER = "harbor"
ATTEMPTS, BASE, CAP, BUDGET = 5, 1.0, 60.0, 900.0
MAX_AGE = timedelta(days=3)
QUARANTINE_CAP = 0.2
SECRET = re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)|(?i:(?<=token=)|(?<=password=))[^\s&]+")


class CheckFailed(Exception):
    pass


def masked(error: Exception) -> str:
    return SECRET.sub("********", f"{type(error).__name__}: {error}")[:500]


def store() -> Path:
    return Path(os.environ.get("DATAWEAVE_STORAGE", ".dataweave/store")) / CUSTOMER


def write_once(path: Path, data: bytes, replace: bool = True) -> bool:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".tmp-{uuid.uuid4().hex}"
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            temporary.replace(path)
            return True
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    return True


def manifests(name: str, day: date) -> list[dict]:
    folder = store() / name / str(day)
    return [json.loads(path.read_text()) for path in sorted(folder.glob("manifest-*.json"))]


def publish(name: str, day: date, frame: pl.DataFrame, **fields) -> dict:
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd")
    data = buffer.getvalue()
    digest = hashlib.sha256(data).hexdigest()
    part = f"data-{digest[:12]}.parquet"
    write_once(store() / name / str(day) / part, data)
    return claim(name, day, part=part, part_day=str(day), hash=digest, rows=frame.height, **fields)


def claim(name: str, day: date, **fields) -> dict:
    version = len(manifests(name, day))
    while True:
        version += 1
        manifest = {
            "name": name,
            "day": str(day),
            "version": version,
            "created": datetime.now(UTC).isoformat(),
            **fields,
        }
        path = store() / name / str(day) / f"manifest-{version:06d}.json"
        if write_once(path, json.dumps(manifest, indent=1).encode(), replace=False):
            return manifest


def read(manifest: dict) -> pl.DataFrame:
    return pl.read_parquet(store() / manifest["name"] / manifest["part_day"] / manifest["part"])


def is_whole(manifest: dict) -> bool:
    return (store() / manifest["name"] / manifest["part_day"] / manifest["part"]).exists()


def fingerprint(step, inputs: list[dict], parameters: dict) -> str:
    code = inspect.getsource(step)
    made_of = [code, [item["hash"] for item in inputs], parameters]
    return hashlib.sha256(json.dumps(made_of, default=str).encode()).hexdigest()


def may_succeed_later(error: Exception) -> bool:
    if isinstance(error, httpx.HTTPStatusError):
        status = error.response.status_code
        return status in (408, 425, 429) or status >= 500
    return isinstance(error, httpx.TransportError | ConnectionError | TimeoutError)


def asked_to_wait(error: Exception) -> float:
    if not isinstance(error, httpx.HTTPStatusError):
        return 0.0
    asked = error.response.headers.get("Retry-After", "")
    return float(asked) if asked.isdigit() else 0.0


def with_retries(call, log) -> tuple[pl.DataFrame, int, list[float]]:
    began, delays = time.monotonic(), []
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return call(), attempt, delays
        except Exception as error:
            drawn = random.uniform(0, min(CAP, BASE * 2 ** (attempt - 1)))
            wait = max(drawn, asked_to_wait(error))
            late = time.monotonic() - began + wait > BUDGET
            if attempt == ATTEMPTS or late or not may_succeed_later(error):
                raise
            log.warning("attempt %d failed (%s); next in %.1f s", attempt, masked(error), wait)
            delays.append(wait)
            time.sleep(wait)
    raise AssertionError


def last_good(name: str, day: date) -> dict | None:
    days = sorted((store() / name).glob("????-??-??"), reverse=True)
    for folder in days:
        then = date.fromisoformat(folder.name)
        if not day - MAX_AGE <= then <= day:
            continue
        for manifest in reversed(manifests(name, then)):
            if manifest["source"] == "fresh" and not manifest["degraded"]:
                return manifest
    return None


def set_aside(frame: pl.DataFrame, rules: dict[str, pl.Expr], name: str, day: date):
    results, bad = [], pl.lit(False)
    reasons = [pl.when(~good).then(pl.lit(rule)) for rule, good in rules.items()]
    for rule, good in rules.items():
        failed = frame.select((~good).sum()).item()
        results.append({"check": rule, "failed": failed, "total": frame.height})
        if frame.height and failed / frame.height > QUARANTINE_CAP:
            raise CheckFailed(f"{rule}: {failed} of {frame.height} rows")
        bad = bad | ~good
    reason = pl.concat_str(reasons, separator="; ", ignore_nulls=True)
    aside = frame.with_columns(quarantine_reason=reason).filter(bad)
    if aside.height:
        publish(f"{name}.quarantine", day, aside, source="fresh", degraded=[])
    return frame.filter(~bad), results


def done(name: str, day: date, mark: str, degraded: list[str]) -> dict | None:
    known = manifests(name, day)
    if not known or known[-1]["source"] != "fresh" or not is_whole(known[-1]):
        return None
    same = known[-1].get("fingerprint") == mark and known[-1]["degraded"] == degraded
    return known[-1] if same else None


def outcome(manifest: dict):
    if manifest["degraded"]:
        return Completed(name="Degraded", message="; ".join(manifest["degraded"]), data=manifest)
    return manifest


@task
def fetch_feed(url: str, day: date):
    log, began = get_run_logger(), time.monotonic()
    mark = fingerprint(fetch_feed.fn, [], {"url": url, "day": day})
    if known := done("feed", day, mark, []):
        return known | {"outcome": "reused"}

    def call() -> pl.DataFrame:
        answer = httpx.get(url, params={"day": str(day)}, timeout=10)
        return pl.DataFrame(answer.raise_for_status().json())

    try:
        frame, attempts, delays = with_retries(call, log)
    except Exception as error:
        good = last_good("feed", day)
        if good is None or not is_whole(good):
            raise
        reason = f"feed: last good of {good['day']} ({masked(error)})"
        kept = {name: good[name] for name in ("part", "part_day", "hash", "rows")}
        served = claim("feed", day, **kept, source="last_good", degraded=[reason])
        return outcome(served | {"outcome": "degraded"})
    if frame.is_empty():
        raise CheckFailed("rows 1..: 0 rows")
    statistics = {
        "seconds": round(time.monotonic() - began, 3),
        "attempts": attempts,
        "delays": delays,
        "rows_out": frame.height,
    }
    fields = {"source": "fresh", "degraded": [], "fingerprint": mark, "statistics": statistics}
    return publish("feed", day, frame, **fields) | {"outcome": "fresh"}


def derived(name: str, step, source: dict, parameters: dict, make):
    began, day = time.monotonic(), date.fromisoformat(source["day"])
    degraded = source["degraded"]
    mark = fingerprint(step, [source], parameters)
    if known := done(name, day, mark, degraded):
        return outcome(known | {"outcome": "reused"})
    frame, results = make(read(source), day)
    statistics = {
        "seconds": round(time.monotonic() - began, 3),
        "attempts": 1,
        "rows_in": source["rows"],
        "rows_out": frame.height,
    }
    made = publish(
        name,
        day,
        frame,
        source="fresh",
        degraded=degraded,
        fingerprint=mark,
        inputs=[{"name": source["name"], "hash": source["hash"]}],
        statistics=statistics,
        checks=results,
    )
    return outcome(made | {"outcome": "degraded" if degraded else "fresh"})


@task
def clean_feed(feed: dict):
    def make(frame: pl.DataFrame, day: date):
        frame = frame.with_columns(pl.col("price").cast(pl.Float64)).sort("sku")
        rules = {
            "sku unique": pl.struct("sku").is_first_distinct(),
            "price in 0.01..10000": pl.col("price").is_between(0.01, 10_000).fill_null(True),
        }
        return set_aside(frame, rules, "clean", day)

    return derived("clean", clean_feed.fn, feed, {}, make)


@task
def list_dearest(clean: dict, top: int = 3):
    def make(frame: pl.DataFrame, day: date):
        return frame.sort("price", "sku", descending=[True, False]).head(top), []

    return derived("dearest", list_dearest.fn, clean, {"top": top}, make)


@flow
def harbor_daily(day: date | None = None, url: str = "http://127.0.0.1/prices"):
    log = get_run_logger()
    day = day or datetime.now(UTC).date()
    try:
        feed = fetch_feed(url, day)
        clean = clean_feed(feed)
        made = list_dearest(clean)
    except Exception as error:
        log.error("[error] harbor-daily · harbor · %s: %s · owner: grocery", day, masked(error))
        raise
    rows = [
        {
            "step": item["name"],
            "outcome": item["outcome"],
            "rows out": item["rows"],
            **item.get("statistics", {}),
        }
        for item in (feed, clean, made)
    ]
    create_table_artifact(key="run-summary", table=rows, description=f"harbor-daily, {day}")
    if made["degraded"]:
        log.warning("[warning] harbor-daily · harbor · %s: %s", day, made["degraded"])
    return outcome(made)
