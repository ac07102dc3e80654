"""Declarations of the tables, one module per family. No Spark here: they are read without starting it."""

from datasets.declarations.churn import CHURN
from datasets.declarations.retail import RETAIL
from datasets.declarations.reviews import REVIEWS
from datasets.declarations.trips import TRIPS

FAMILIES = (RETAIL, TRIPS, REVIEWS, CHURN)
