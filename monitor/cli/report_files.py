"""A report for spreadsheets and BI tools: CSV, JSON and Parquet, a row a period and channel."""

import csv
import io
import json
from typing import Any

from monitor.cli.report_rows import Report


def as_csv(report: Report) -> str:
    """Return the rows of the periods, comma separated, with a head; what is not there is empty."""
    text = io.StringIO()
    rows = report.rows
    if rows:
        writer = csv.DictWriter(text, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return text.getvalue()


def as_json(report: Report) -> str:
    """Return the rows of the periods and of the whole time."""
    return json.dumps({"periods": report.rows, "total": report.total}, indent=1) + "\n"


def as_parquet(report: Report) -> bytes:
    """Return the rows of the periods with a type for each column, whatever is in it."""
    import pyarrow as pa  # noqa: PLC0415 - an extra
    import pyarrow.parquet as pq  # noqa: PLC0415

    columns = list(report.rows[0]) if report.rows else []
    schema = pa.schema([(name, _type(pa, name)) for name in columns])
    table = pa.Table.from_pylist(report.rows, schema=schema)
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def _type(pa: Any, name: str) -> Any:
    if name in ("period", "channel"):
        return pa.string()
    real = name.endswith(("_ratio", "_seconds")) or name == "net_promoter_score"
    return pa.float64() if real else pa.int64()
