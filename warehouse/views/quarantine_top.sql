-- What was quarantined and why, the most frequent first?
-- One row per run, reason and format (null where the bytes are no known image); position 1 is the run's most frequent.
SELECT
  images.run_id,
  images.run_date,
  ROW_NUMBER() OVER (PARTITION BY images.run_id ORDER BY COUNT(*) DESC, images.reason, images.format) AS position,
  images.reason,
  images.format,
  COUNT(*) AS objects,
  COUNT(*) / MAX(runs.objects) AS share_of_run,
  SUM(images.size_bytes) AS size_bytes,
  MIN(images.name) AS example_name,
  MIN(images.message) AS example_message
FROM {{images}} AS images
JOIN {{runs}} AS runs ON runs.run_id = images.run_id
WHERE images.outcome = 'quarantined'
GROUP BY images.run_id, images.run_date, images.reason, images.format
