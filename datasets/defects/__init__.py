"""Plants defects into any table, at rates that are parameters, and tells exactly what it did where.

`plant(rows, key=..., rates=Rates(...), seed=...)` gives the soiled rows and their ground truth; `json_lines` and
`csv_lines` turn soiled rows into lines of text, some of them broken, some in a second version of the schema.
"""

from datasets.defects.lines import Drift, csv_lines, json_lines
from datasets.defects.planting import Rates, Soiled, plant

__all__ = ["Drift", "Rates", "Soiled", "csv_lines", "json_lines", "plant"]
