/**
 * The page's JavaScript, for a browser (its lower part: activity-script.ts): writes through /v1 as the dashboard would, asks a cheap pulse once a
 * second and reads again only what has changed. Values reach the page as text nodes only, never as HTML.
 */

import { ACTIVITY_SCRIPT } from './activity-script';

export const SCRIPT = String.raw`'use strict';
(function () {
  var PULSE_MS = 1000, PAGE_SIZE = 50, SHOWN_ACTIVITY = 60, TOAST_MS = 4000;
  var KEY = 'Bearer sk_test_simulator_page';
  var state = { customers: [], hasMore: false, wanted: PAGE_SIZE, query: '', tab: 'events', pulse: {}, seen: null, editing: null, open: {} };

  function $(id) { return document.getElementById(id); }

  function make(tag, className, text) {
    var node = document.createElement(tag);
    if (className) node.className = className;
    if (text !== undefined && text !== null) node.textContent = text;
    return node;
  }

  async function call(method, path, form) {
    var options = { method: method, headers: { authorization: KEY, 'x-simulator-page': '1' } };
    if (form) options.body = new URLSearchParams(form);
    var response = await fetch(path, options);
    var body = await response.json();
    if (response.ok) return body;
    throw new Error(body.error && body.error.message ? body.error.message : 'The simulator answered ' + response.status);
  }

  function ago(ms) {
    var seconds = Math.max(0, Math.round((Date.now() - ms) / 1000));
    if (seconds < 60) return seconds + ' s ago';
    if (seconds < 3600) return Math.floor(seconds / 60) + ' min ago';
    if (seconds < 86400) return Math.floor(seconds / 3600) + ' h ago';
    return new Date(ms).toLocaleDateString();
  }

  function when(ms) {
    var node = make('span', 'when', ago(ms));
    node.dataset.ms = ms;
    return node;
  }

  function tick() {
    document.querySelectorAll('.when').forEach(function (node) { node.textContent = ago(Number(node.dataset.ms)); });
  }

  // Customers

  async function loadCustomers() {
    if (state.query) {
      var found = await call('GET', '/_sim/customers?q=' + encodeURIComponent(state.query));
      state.customers = found.data; state.hasMore = false;
    } else {
      var rows = [], more = true;
      while (more && rows.length < state.wanted) {
        var after = rows.length ? '&starting_after=' + rows[rows.length - 1].id : '';
        var page = await call('GET', '/v1/customers?limit=' + Math.min(100, state.wanted - rows.length) + after);
        rows = rows.concat(page.data); more = page.has_more;
      }
      state.customers = rows; state.hasMore = more;
    }
    showCustomers();
  }

  function showCustomers() {
    var list = $('customers'), focused = document.activeElement && document.activeElement.dataset.id;
    var seen = {};
    var rows = state.customers.map(function (customer) {
      var print = JSON.stringify(customer);
      seen[customer.id] = print;
      var row = make('li', state.seen && state.seen[customer.id] !== print ? 'fresh' : '');
      var who = make('div', 'who');
      who.append(make('b', customer.name ? '' : 'none', customer.name || 'no name'));
      who.append(make('span', '', customer.email || 'no e-mail'));
      who.append(make('code', 'quiet', customer.id));
      var edit = make('button', '', 'Edit');
      edit.type = 'button'; edit.dataset.id = customer.id;
      edit.setAttribute('aria-label', 'Edit ' + (customer.name || customer.email || customer.id));
      edit.addEventListener('click', function () { openEditor(customer); });
      row.append(who, when(customer.created * 1000), edit);
      return row;
    });
    list.replaceChildren.apply(list, rows);
    if (focused) { var again = list.querySelector('[data-id="' + CSS.escape(focused) + '"]'); if (again) again.focus(); }
    state.seen = state.query ? state.seen : seen;
    $('customers-count').textContent = rows.length ? rows.length + (state.hasMore ? '+' : '') : '';
    $('customers-empty').hidden = rows.length > 0;
    $('customers-empty').textContent = state.query ? 'Nobody matches this search.' : 'No customers yet. Add one here, or create one through the API.';
    $('more').hidden = !state.hasMore;
  }

  // The editor

  function metadataText(metadata) {
    return Object.keys(metadata).map(function (key) { return key + '=' + metadata[key]; }).join('\n');
  }

  function readMetadata(text) {
    var out = {};
    text.split('\n').forEach(function (line) {
      var equals = line.indexOf('=');
      if (line.trim() === '') return;
      if (equals < 1) throw new Error('Metadata needs one key=value per line: ' + line);
      out[line.slice(0, equals).trim()] = line.slice(equals + 1).trim();
    });
    return out;
  }

  var FIELDS = ['name', 'email', 'phone', 'description'];

  function openEditor(customer) {
    state.editing = customer;
    $('editor-title').textContent = customer ? 'Edit customer' : 'Add customer';
    $('editor-id').textContent = customer ? customer.id : '';
    $('editor-delete').hidden = !customer;
    $('editor-error').hidden = true;
    FIELDS.forEach(function (field) { $('field-' + field).value = customer && customer[field] ? customer[field] : ''; });
    $('field-metadata').value = customer ? metadataText(customer.metadata) : '';
    $('editor').showModal();
    $('field-name').focus();
  }

  // Only what the person changed is sent, as the dashboard does: another's edit of another field survives.
  function changesOf(customer) {
    var form = {};
    FIELDS.forEach(function (field) {
      var now = $('field-' + field).value, was = customer ? customer[field] || '' : '';
      if (now !== was) form[field] = now;
    });
    var before = customer ? customer.metadata : {}, after = readMetadata($('field-metadata').value);
    Object.keys(after).forEach(function (key) { if (after[key] !== before[key]) form['metadata[' + key + ']'] = after[key]; });
    Object.keys(before).forEach(function (key) { if (!(key in after)) form['metadata[' + key + ']'] = ''; });
    return form;
  }

  async function save(event) {
    event.preventDefault();
    var customer = state.editing;
    $('editor-save').disabled = true;
    try {
      var form = changesOf(customer);
      if (customer && Object.keys(form).length === 0) { $('editor').close(); return; }
      await call('POST', customer ? '/v1/customers/' + customer.id : '/v1/customers', form);
      $('editor').close();
      toast(customer ? 'Saved.' : 'Customer added.');
      await refresh();
    } catch (error) { showEditorError(error); }
    finally { $('editor-save').disabled = false; }
  }

  function showEditorError(error) {
    $('editor-error').textContent = error.message;
    $('editor-error').hidden = false;
  }

  function askDelete() {
    var customer = state.editing;
    $('confirm-text').textContent = (customer.name || customer.email || customer.id) + ' will be gone for good, as at Stripe.';
    $('confirm').showModal();
    $('confirm-no').focus();
  }

  async function remove() {
    $('confirm').close();
    try {
      await call('DELETE', '/v1/customers/' + state.editing.id);
      $('editor').close();
      toast('Customer deleted.');
      await refresh();
    } catch (error) { showEditorError(error); }
  }

${ACTIVITY_SCRIPT}
  // Keeping up

  async function refresh() { await Promise.all([loadCustomers(), loadActivity()]); }

  async function beat() {
    try {
      var pulse = await call('GET', '/_sim/pulse'), old = state.pulse;
      state.pulse = pulse;
      if (pulse.account !== old.account) await loadCustomers();
      if (pulse.account !== old.account || pulse.deliveries !== old.deliveries || pulse.requests !== old.requests) await loadActivity();
      tick();
      $('connection').textContent = pulse.faults ? 'Live, ' + pulse.faults + (pulse.faults === 1 ? ' fault' : ' faults') + ' active' : 'Live';
      $('connection').className = pulse.faults ? 'pill' : 'pill good';
    } catch (error) { lost(error); }
    setTimeout(beat, PULSE_MS);
  }

  function lost() {
    state.pulse = {};
    $('connection').textContent = 'Simulator not reachable';
    $('connection').className = 'pill bad';
  }

  var toastTimer;
  function toast(text) {
    $('toast').textContent = text; $('toast').hidden = false;
    clearTimeout(toastTimer);
    toastTimer = setTimeout(function () { $('toast').hidden = true; }, TOAST_MS);
  }

  $('add').addEventListener('click', function () { openEditor(null); });
  $('more').addEventListener('click', function () { state.wanted += PAGE_SIZE; loadCustomers().catch(lost); });
  $('search').addEventListener('input', function () { state.query = $('search').value.trim(); loadCustomers().catch(lost); });
  $('editor-form').addEventListener('submit', save);
  $('editor-cancel').addEventListener('click', function () { $('editor').close(); });
  $('editor-delete').addEventListener('click', askDelete);
  $('confirm-no').addEventListener('click', function () { $('confirm').close(); });
  $('confirm-yes').addEventListener('click', remove);
  Object.keys(tabs).forEach(function (name) {
    $('tab-' + name).addEventListener('click', function () { choose(name); });
    $('tab-' + name).addEventListener('keydown', arrowKeys);
  });
  // A link in an error's request_log_url leads here.
  var asked = new URLSearchParams(location.search).get('request');
  choose(asked ? 'requests' : 'events');
  if (asked) state.open[asked] = true;
  beat();
})();
`;
