-- The job of an import, done by PostgreSQL: what `make bench` compares with. psql runs it with the variables
--   file    the CSV, in the columns of the ordinary shape
--   outbox  on: one event a row, for other services, as a transactional outbox has it
-- All of it is one transaction: like an import, it is durable when it is acknowledged, and never half.

\set ON_ERROR_STOP on
set client_min_messages = warning;
drop schema if exists licenseimport_benchmark cascade;
create schema licenseimport_benchmark;
set search_path = licenseimport_benchmark;

create table customers (
  id bigint generated always as identity primary key,
  email text not null unique,
  first_name text, last_name text, company_name text
);
create table orders (
  id bigint generated always as identity primary key,
  store_id text unique
);
create table licenses (
  id bigint generated always as identity primary key,
  product text not null, license_key text not null,
  job bigint not null, row_number bigint not null, -- that made it
  customer_id bigint, order_id bigint, -- without foreign keys: their triggers would cost a third
  max_activations integer not null, license_type text not null, validity_period date, enabled boolean not null, note text,
  unique (product, license_key)
);
create table outcomes (
  job bigint not null, row_number bigint not null,
  outcome text not null, -- imported, existed or rejected
  license_id bigint, errors jsonb,
  primary key (job, row_number)
);
create table outbox (id bigint generated always as identity primary key, topic text not null, payload jsonb not null);

begin;

create temporary table rows (
  row_number bigint generated always as identity,
  license_key text, product text, email text, first_name text, last_name text, company_name text, store_id text,
  max_activations text, license_type text, validity_period text, enabled text, note text
) on commit drop;
\set copy '\\copy rows (license_key, product, email, first_name, last_name, company_name, store_id, max_activations, license_type, validity_period, enabled, note) from ' :'file' ' with (format csv, header)'
:copy

-- Every row is judged by every rule; a rejected one has all of its errors.
create temporary table judged on commit drop as
select *, array_remove(array[
    case when coalesce(license_key, '') = '' then 'license__license_key: required' when length(license_key) > 1024 then 'license__license_key: too_long' end,
    case when coalesce(product, '') = '' then 'product__short_code: required' when length(product) > 64 then 'product__short_code: too_long' end,
    case when email is not null and email !~ '^[^@\s]+@[[:alnum:]-]+(\.[[:alnum:]-]+)+$' then 'customer__email: invalid_email' end,
    case when length(first_name) > 255 then 'customer__first_name: too_long' end,
    case when length(last_name) > 255 then 'customer__last_name: too_long' end,
    case when length(company_name) > 255 then 'customer__company_name: too_long' end,
    case when length(store_id) > 255 then 'order__store_id: too_long' end,
    case when max_activations is not null and max_activations !~ '^[0-9]{1,9}$' then 'license__max_activations: invalid_int' end,
    case when license_type is not null and lower(license_type) not in ('perpetual', 'time-limited', 'subscription', 'consumption') then 'license__license_type: invalid_choice' end,
    case when validity_period is not null and not (validity_period ~ '^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$') then 'license__validity_period: invalid_date' end,
    case when enabled is not null and lower(enabled) not in ('true', 'false', '1', '0', 'yes', 'no') then 'license__enabled: invalid_bool' end,
    case when length(note) > 10000 then 'license__note: too_long' end
  ], null) as errors
from rows;
analyze judged; -- else the planner joins by nested loops

insert into customers (email, first_name, last_name, company_name)
select distinct on (lower(email)) lower(email), first_name, last_name, company_name
from judged where errors = '{}' and email is not null
order by lower(email), row_number
on conflict (email) do nothing;

insert into orders (store_id)
select distinct store_id from judged where errors = '{}' and store_id is not null
on conflict (store_id) do nothing;

analyze customers, orders;
create temporary table imported on commit drop as
with made as (
  insert into licenses (product, license_key, job, row_number, customer_id, order_id, max_activations, license_type, validity_period, enabled, note)
  select distinct on (j.product, j.license_key)
    j.product, j.license_key, 1, j.row_number, c.id, o.id, coalesce(j.max_activations::integer, 1),
    coalesce(lower(j.license_type), case when j.validity_period is null then 'perpetual' else 'time-limited' end),
    j.validity_period::date, coalesce(j.enabled::boolean, true), j.note
  from judged j
  left join customers c on c.email = lower(j.email)
  left join orders o on o.store_id = j.store_id
  where j.errors = '{}'
  order by j.product, j.license_key, j.row_number
  on conflict (product, license_key) do nothing
  returning id, row_number
)
select * from made;

insert into outcomes (job, row_number, outcome, license_id, errors)
select 1, j.row_number,
  case when j.errors <> '{}' then 'rejected' when i.id is not null then 'imported' else 'existed' end,
  i.id, case when j.errors <> '{}' then to_jsonb(j.errors) end
from judged j left join imported i using (row_number);

\if :outbox
insert into outbox (topic, payload)
select 'licenses.' || o.outcome, jsonb_build_object(
  'specversion', '1.0', 'id', o.job || '/' || o.row_number, 'source', 'benchmark', 'type', o.outcome, 'time', now(),
  'data', jsonb_strip_nulls(jsonb_build_object(
    'job_id', o.job, 'row', o.row_number, 'errors', o.errors,
    'license', jsonb_build_object('license_key', j.license_key, 'max_activations', j.max_activations, 'license_type', j.license_type,
      'validity_period', j.validity_period, 'enabled', j.enabled, 'note', j.note),
    'product', j.product,
    'customer', jsonb_build_object('email', j.email, 'first_name', j.first_name, 'last_name', j.last_name, 'company_name', j.company_name),
    'order', j.store_id)))
from outcomes o join judged j using (row_number) where o.job = 1
order by o.row_number;
\endif

commit;
select 'outcomes ' || string_agg(outcome || ' ' || n, ', ' order by outcome)
from (select outcome, count(*) as n from outcomes group by outcome) as counted;
