"""Declarations of the tables, one module per family or part of one. No Spark here: they are read without starting it."""

from datasets.declarations.air import AIR
from datasets.declarations.churn import CHURN
from datasets.declarations.features import FEATURES
from datasets.declarations.fulfilment import FULFILMENT
from datasets.declarations.retail import RETAIL
from datasets.declarations.reviews import REVIEWS
from datasets.declarations.sensors import SENSORS
from datasets.declarations.ticks import TICKS
from datasets.declarations.trips import TRIPS

FAMILIES = ((*RETAIL, *FULFILMENT, *FEATURES), TRIPS, REVIEWS, CHURN, SENSORS, TICKS, AIR)
