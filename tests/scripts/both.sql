-- Both languages in one text: each names what the other reads.
CREATE TABLE sales AS
SELECT value AS id, CASE value % 3 WHEN 0 THEN 'north' WHEN 1 THEN 'south' ELSE 'west' END AS region,
       value * 10 AS amount
FROM range(0, 12);

large = sales.filter(amount >= 50).with(amount * 2 AS twice);

SELECT region, count(*) AS n, sum(twice) AS total FROM large GROUP BY ALL ORDER BY total DESC;

large.group_by(region).agg(max(amount) AS most).sort(region).head(2);
