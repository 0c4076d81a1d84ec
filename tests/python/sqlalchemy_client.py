"""SQLAlchemy in front of `strata serve`, by `sqlalchemy-adbc`: python sqlalchemy_client.py HOST:PORT

It says `ok` when all is as it should be, and raises what is not.
"""

import datetime
import decimal
import sys

import pandas as pd
import sqlalchemy as sa

engine = sa.create_engine(f"adbc+flightsql://{sys.argv[1]}?tls=false")
tables = sa.MetaData()
visits = sa.Table(
    "visits",
    tables,
    sa.Column("id", sa.BigInteger, nullable=False),
    sa.Column("name", sa.String(20)),
    sa.Column("at", sa.DateTime),
    sa.Column("paid", sa.Numeric(10, 2)),
)
ROWS = [
    {"id": 1, "name": "ann", "at": datetime.datetime(2024, 2, 29, 12, 30), "paid": decimal.Decimal("1.50")},
    {"id": 2, "name": "bob", "at": None, "paid": None},
    {"id": 3, "name": "ann", "at": datetime.datetime(2024, 3, 1), "paid": decimal.Decimal("2.25")},
]
tables.create_all(engine)
with engine.begin() as connection:
    connection.execute(visits.insert(), ROWS)

with engine.connect() as connection:
    found = connection.execute(sa.select(visits).where(visits.c.id > 1).order_by(visits.c.id)).all()
    assert [(row.id, row.name) for row in found] == [(2, "bob"), (3, "ann")], found
    assert found[0].at is None and found[1].at == datetime.datetime(2024, 3, 1), found
    totals = sa.select(visits.c.name, sa.func.sum(visits.c.paid).label("paid"), sa.func.count())
    totals = totals.group_by(visits.c.name).order_by(sa.desc("paid")).limit(10)
    assert connection.execute(totals).all()[-1] == ("ann", decimal.Decimal("3.75"), 2)
    assert connection.execute(sa.text("SELECT name FROM visits WHERE id = :id"), {"id": 2}).scalar() == "bob"
    # What Superset puts around the query of a chart.
    inner = "SELECT name AS \"Who\", date_trunc('day', at) AS \"__timestamp\", paid FROM visits"
    text = f'SELECT "Who", sum(paid) AS "SUM(paid)" FROM ({inner}) AS virtual_table GROUP BY "Who" ORDER BY "SUM(paid)" DESC LIMIT 1000'
    assert len(connection.execute(sa.text(text)).all()) == 2

with engine.begin() as connection:
    connection.execute(visits.update().where(visits.c.id == 2).values(name="eve"))
    connection.execute(visits.delete().where(visits.c.id == 3))
frame = pd.read_sql(sa.select(visits).order_by(visits.c.id), engine)
assert list(frame["name"]) == ["ann", "eve"], frame
assert pd.DataFrame({"x": [1, 2]}).to_sql("frame", engine, index=False) == 2

inspector = sa.inspect(engine)
assert "public" in inspector.get_schema_names()
assert inspector.has_table("visits") and not inspector.has_table("nowhere")
kinds = {column["name"]: type(column["type"]) for column in inspector.get_columns("visits")}
assert kinds == {"id": sa.BigInteger, "name": sa.String, "at": sa.DateTime, "paid": sa.Numeric}, kinds
assert sa.Table("visits", sa.MetaData(), autoload_with=engine).columns.keys() == ["id", "name", "at", "paid"]
tables.drop_all(engine)
assert not sa.inspect(engine).has_table("visits")
print("ok")
