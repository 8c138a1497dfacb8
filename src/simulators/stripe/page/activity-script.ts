/** The part of the page's JavaScript that shows what happened: events, webhooks, writes, all requests. */

export const ACTIVITY_SCRIPT = String.raw`  // Activity

  function tone(status) { return status === null ? 'warn' : status < 300 ? 'good' : status === 429 ? 'warn' : 'bad'; }

  // One line says what, a smaller one below it the rest; the whole object opens on a press.
  function entry(id, tag, tagTone, text, note, by, ms, detail) {
    var row = make('li'), box = make('details'), head = make('summary'), what = make('span', 'what'), who = make('span', 'by');
    what.append(make('span', '', text));
    if (note) what.append(make('small', '', note));
    if (by) who.append(make('span', '', by));
    who.append(when(ms));
    head.append(make('span', 'tag ' + tagTone, tag), what, who);
    box.append(head, make('pre', '', JSON.stringify(detail, null, 2)));
    box.open = state.open[id] === true;
    box.addEventListener('toggle', function () { state.open[id] = box.open; });
    row.append(box);
    return row;
  }

  var BY = { page: 'on this page', counterpart: 'by Counterpart', other: 'by another program' };
  var OUTCOME = { answer_lost: 'done, but its answer was withheld (a fault)', committed_late: 'refused, yet done a while later (a fault)', cut: 'cut off before it was done', hung: 'never answered (a fault)' };
  var DELIVERY = {
    delivered: ['delivered', 'good'], pending: ['trying', 'warn'], failed: ['given up', 'bad'], dropped: ['not sent', '']
  };
  var VERB = { 'customer.created': 'created', 'customer.updated': 'edited', 'customer.deleted': 'deleted' };

  function requestRow(each) {
    var note = each.replayed ? 'a repeat: the first answer was given again, nothing changed' : OUTCOME[each.outcome] || Object.keys(each.params || {}).join(', ');
    return entry(each.request_id, each.status === null ? 'none' : String(each.status), tone(each.status), each.method + ' ' + each.path, note, BY[each.from], Date.parse(each.at), each);
  }

  // "name: Ada -> Bea", from what an event says was there before.
  function differences(event) {
    var before = event.data.previous_attributes;
    if (!before) return '';
    return Object.keys(before).map(function (field) {
      if (field === 'metadata') return 'metadata: ' + Object.keys(before.metadata || {}).join(', ');
      var was = before[field], is = event.data.object[field];
      if ([was, is].some(function (value) { return value !== null && typeof value === 'object'; })) return field;
      return field + ': ' + (was === null ? 'none' : was) + ' \u2192 ' + (is === null ? 'none' : is);
    }).join('; ');
  }

  // Requests older than the log keeps leave only the key to tell by.
  function eventBy(event, senders) {
    var request = event.request || {}, known = senders[request.id];
    if (known) return BY[known];
    return /^cp_/.test(request.idempotency_key || '') ? BY.counterpart : '';
  }

  var tabs = {
    events: async function () {
      var both = await Promise.all([call('GET', '/v1/events?limit=' + SHOWN_ACTIVITY), call('GET', '/_sim/requests?writes=1&limit=500')]);
      var senders = {};
      both[1].data.forEach(function (each) { senders[each.request_id] = each.from; });
      return both[0].data.map(function (event) {
        var object = event.data.object, verb = VERB[event.type] || event.type;
        return entry(event.id, verb, verb === 'deleted' ? 'bad' : 'good', object.name || object.email || object.id, differences(event) || object.id, eventBy(event, senders), event.created * 1000, event);
      });
    },
    deliveries: async function () {
      var list = await call('GET', '/_sim/deliveries');
      return list.data.slice(0, SHOWN_ACTIVITY).map(function (delivery) {
        var shown = DELIVERY[delivery.state], result = delivery.last_status ? 'answered ' + delivery.last_status : delivery.last_error || '';
        var tries = delivery.attempts > 1 ? delivery.attempts + ' tries' : '';
        return entry(delivery.id, shown[0], shown[1], delivery.type + (result ? ': ' + result : ''), delivery.url, tries, delivery.created, delivery);
      });
    },
    writes: async function () {
      var list = await call('GET', '/_sim/requests?writes=1&limit=' + SHOWN_ACTIVITY);
      return list.data.reverse().map(requestRow);
    },
    requests: async function () {
      var list = await call('GET', '/_sim/requests?limit=500');
      // The page's own reads are not worth showing to the page.
      return list.data.filter(function (each) { return each.from !== 'page' || each.method !== 'GET'; }).slice(-SHOWN_ACTIVITY).reverse().map(requestRow);
    }
  };
  var ABOUT = {
    events: 'What happened to customers, and who did it. Press a line to see the event as Stripe shows it.',
    deliveries: 'Events sent to webhook endpoints, and how each was answered. An event that is not taken with a 2xx is sent again.',
    writes: 'Every create, edit and delete this account was asked to do, by Counterpart, by this page or by others. Changes made quickly one after another may arrive as one.',
    requests: 'Everything programs asked of the API, reads included, and what you did on this page.'
  };
  var NOTHING = { events: 'No events yet.', deliveries: 'No webhook endpoint has been sent anything yet.', writes: 'Nothing has been written yet.', requests: 'No requests yet.' };

  async function loadActivity() {
    var tab = state.tab, rows = await tabs[tab](), list = $('activity-rows');
    if (tab !== state.tab) return;
    list.replaceChildren.apply(list, rows);
    $('activity-empty').hidden = rows.length > 0;
    $('activity-empty').textContent = NOTHING[tab];
  }

  function choose(tab) {
    state.tab = tab; state.open = {};
    Object.keys(tabs).forEach(function (name) {
      var button = $('tab-' + name), chosen = name === tab;
      button.setAttribute('aria-selected', String(chosen));
      button.tabIndex = chosen ? 0 : -1;
    });
    $('activity').setAttribute('aria-labelledby', 'tab-' + tab);
    $('activity-about').textContent = ABOUT[tab];
    loadActivity().catch(lost);
  }

  function arrowKeys(event) {
    var names = Object.keys(tabs), step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (!step) return;
    var next = names[(names.indexOf(state.tab) + step + names.length) % names.length];
    choose(next);
    $('tab-' + next).focus();
  }
`;
