-- The same totals by hand: subledger and G/L per account, and where entry and lines disagree.
-- Written for the books of generate.py: it knows their entry types only, has no causes, no dates, no currencies.
-- Tables: value_entry, gl_entry, gl_item_ledger_relation, inventory_posting_setup, general_posting_setup, item.

-- statement: legs, the line that each entry should have made, one a side and cost kind
CREATE TEMP TABLE legs AS
WITH pairs (item_ledger_entry_type, entry_type, kind, debit, credit) AS (
  VALUES
    ('Purchase', 'Direct Cost', 'actual', 'inventory', 'direct_cost_applied'),
    ('Purchase', 'Direct Cost', 'expected', 'inventory_interim', 'invt_accrual_interim'),
    ('Purchase', 'Indirect Cost', 'actual', 'inventory', 'overhead_applied'),
    ('Purchase', 'Revaluation', 'actual', 'inventory', 'inventory_adjmt'),
    ('Sale', 'Direct Cost', 'actual', 'inventory', 'cogs'),
    ('Sale', 'Direct Cost', 'expected', 'inventory_interim', 'cogs_interim'),
    ('Positive Adjmt.', 'Direct Cost', 'actual', 'inventory', 'inventory_adjmt'),
    ('Negative Adjmt.', 'Direct Cost', 'actual', 'inventory', 'inventory_adjmt'),
    ('Consumption', 'Direct Cost', 'actual', 'inventory', 'wip'),
    ('', 'Direct Cost', 'actual', 'wip', 'direct_cost_applied'),
    ('Output', 'Direct Cost', 'actual', 'inventory', 'wip'),
    ('Output', 'Direct Cost', 'expected', 'inventory_interim', 'wip')
),
parts AS (
  SELECT *, 'actual' AS kind, cost_amount_actual AS amount FROM value_entry WHERE cost_amount_actual <> 0
  UNION ALL
  SELECT *, 'expected' AS kind, cost_amount_expected AS amount FROM value_entry WHERE cost_amount_expected <> 0
),
sides AS (
  SELECT parts.*, unnest([debit, credit]) AS role, unnest([amount, -amount]) AS side_amount
  FROM parts JOIN pairs USING (item_ledger_entry_type, entry_type, kind)
  WHERE inventoriable
)
SELECT
  sides.entry_no AS value_entry_no,
  role,
  CASE role
    WHEN 'inventory' THEN stock.inventory_account
    WHEN 'inventory_interim' THEN stock.inventory_account_interim
    WHEN 'wip' THEN made.wip_account
    WHEN 'inventory_adjmt' THEN general.inventory_adjmt_account
    WHEN 'invt_accrual_interim' THEN general.invt_accrual_acc_interim
    WHEN 'cogs' THEN general.cogs_account
    WHEN 'cogs_interim' THEN general.cogs_account_interim
    WHEN 'direct_cost_applied' THEN general.direct_cost_applied_account
    WHEN 'overhead_applied' THEN general.overhead_applied_account
  END AS account_no,
  side_amount AS amount
FROM sides
LEFT JOIN item AS product
  ON sides.source_type = 'Item' AND sides.source_no <> sides.item_no AND product.no = sides.source_no
LEFT JOIN inventory_posting_setup AS stock
  ON stock.location_code = sides.location_code AND stock.invt_posting_group_code = sides.inventory_posting_group
LEFT JOIN inventory_posting_setup AS made
  ON made.location_code = sides.location_code
  AND made.invt_posting_group_code = coalesce(product.inventory_posting_group, sides.inventory_posting_group)
LEFT JOIN general_posting_setup AS general
  ON general.gen_bus_posting_group = sides.gen_bus_posting_group
  AND general.gen_prod_posting_group = sides.gen_prod_posting_group;

-- statement: linked, the G/L lines with the entries that they stand for, and how many those are
CREATE TEMP TABLE linked AS
SELECT
  relation.value_entry_no,
  gl.entry_no AS gl_entry_no,
  gl.gl_account_no AS account_no,
  gl.amount,
  count(*) OVER (PARTITION BY gl.entry_no) AS members
FROM gl_item_ledger_relation AS relation JOIN gl_entry AS gl ON gl.entry_no = relation.gl_entry_no;

-- statement: accounts
WITH expected AS (
  SELECT account_no, sum(amount) AS subledger FROM legs
  WHERE role IN ('inventory', 'inventory_interim', 'wip', 'invt_accrual_interim', 'cogs_interim')
  GROUP BY account_no
),
booked AS (SELECT gl_account_no AS account_no, sum(amount) AS gl FROM gl_entry GROUP BY gl_account_no)
SELECT account_no, subledger, coalesce(gl, 0) AS gl
FROM expected LEFT JOIN booked USING (account_no) ORDER BY account_no;

-- statement: shared, lines of several entries in the parts that each entry expects
CREATE TEMP TABLE shared AS
SELECT linked.gl_entry_no, linked.account_no, linked.value_entry_no, linked.amount AS booked, legs.amount
FROM linked JOIN legs
  ON legs.value_entry_no = linked.value_entry_no AND legs.account_no = linked.account_no
  AND sign(legs.amount) = sign(linked.amount)
WHERE members > 1;

-- statement: expected, what each entry should have on each account
CREATE TEMP VIEW expected AS
SELECT value_entry_no, account_no, sum(amount) AS amount FROM legs GROUP BY value_entry_no, account_no;

-- statement: held, what it has
CREATE TEMP VIEW held AS
SELECT value_entry_no, account_no, sum(amount) AS amount FROM (
  SELECT value_entry_no, account_no, amount FROM shared
  UNION ALL
  SELECT value_entry_no, account_no, amount FROM linked WHERE members = 1
)
GROUP BY value_entry_no, account_no;

-- statement: mismatches, pairs of entry and account whose lines don't add up to what was expected
WITH apart AS (
  SELECT value_entry_no, account_no, sum(amount) AS amount FROM (
    SELECT value_entry_no, account_no, -amount AS amount FROM legs
    UNION ALL
    SELECT value_entry_no, account_no, amount FROM shared
    UNION ALL
    SELECT value_entry_no, account_no, amount FROM linked WHERE members = 1
  )
  GROUP BY value_entry_no, account_no
)
SELECT
  (SELECT count(*) FROM apart WHERE amount <> 0) AS entries_off,
  (SELECT count(*) FROM (
    SELECT gl_entry_no FROM shared GROUP BY gl_entry_no, booked HAVING sum(amount) <> booked
  )) AS lines_off,
  (SELECT count(*) FROM gl_entry AS gl ANTI JOIN linked ON linked.gl_entry_no = gl.entry_no
   WHERE gl.gl_account_no IN (
     SELECT account_no FROM legs
     WHERE role IN ('inventory', 'inventory_interim', 'wip', 'invt_accrual_interim', 'cogs_interim')
   )) AS lines_alone;
