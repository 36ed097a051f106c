-- What is the newest known state of each source object?
-- One row per bucket and name, of loaded runs. Newest is the highest generation where generations grow (Cloud Storage),
-- then the run whose work began last: an overlapping run that only ended later does not win, nor does a replay of an
-- old generation. Folders have no growing generations; there the run alone decides.
SELECT images.*
FROM {{images}} AS images
JOIN {{runs}} AS runs ON runs.run_id = images.run_id
QUALIFY
  ROW_NUMBER() OVER (
    PARTITION BY images.bucket, images.name
    ORDER BY
      CASE WHEN STARTS_WITH(images.bucket, 'file:') THEN 0 ELSE COALESCE({{integer images.generation}}, 0) END DESC,
      runs.started_at DESC,
      images.run_id DESC
  ) = 1
