/** The page's HTML. Everything that changes is filled in by script.ts. */

export const MARKUP = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Stripe simulator, not Stripe</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/page.css">
</head>
<body>
<header class="top">
  <div>
    <h1>Stripe simulator, <strong>not Stripe</strong></h1>
    <p>Play the dashboard: what you change here is what a colleague would change at Stripe. Account <code>acct_sim</code>.</p>
  </div>
  <p id="connection" class="pill" role="status">Connecting</p>
</header>
<main>
  <section class="card" aria-labelledby="customers-title">
    <div class="bar">
      <h2 id="customers-title">Customers <span id="customers-count" class="quiet"></span></h2>
      <label class="search"><span class="hidden">Search customers by name, e-mail or id</span>
        <input id="search" type="search" placeholder="Search name, e-mail or id" autocomplete="off"></label>
      <button id="add" class="primary" type="button">Add customer</button>
    </div>
    <ul id="customers" class="rows"></ul>
    <p id="customers-empty" class="empty" hidden></p>
    <p class="more"><button id="more" type="button" hidden>Show more</button></p>
  </section>
  <section class="card" aria-labelledby="activity-title">
    <div class="bar">
      <h2 id="activity-title">Activity</h2>
      <div class="tabs" role="tablist" aria-label="Activity">
        <button role="tab" type="button" id="tab-events" aria-controls="activity" aria-selected="true">Events</button>
        <button role="tab" type="button" id="tab-deliveries" aria-controls="activity" aria-selected="false" tabindex="-1">Webhooks</button>
        <button role="tab" type="button" id="tab-writes" aria-controls="activity" aria-selected="false" tabindex="-1">Writes</button>
        <button role="tab" type="button" id="tab-requests" aria-controls="activity" aria-selected="false" tabindex="-1">All requests</button>
      </div>
    </div>
    <p id="activity-about" class="about"></p>
    <div id="activity" role="tabpanel" aria-labelledby="tab-events" tabindex="0"><ul id="activity-rows" class="rows"></ul>
    <p id="activity-empty" class="empty" hidden></p></div>
  </section>
</main>
<dialog id="editor" aria-labelledby="editor-title">
  <form id="editor-form" method="dialog" novalidate>
    <h2 id="editor-title">Customer</h2>
    <p id="editor-id" class="quiet"></p>
    <p id="editor-error" class="error" role="alert" hidden></p>
    <label for="field-name">Name</label><input id="field-name" name="name" autocomplete="off">
    <label for="field-email">E-mail</label><input id="field-email" name="email" type="text" inputmode="email" autocomplete="off">
    <label for="field-phone">Phone</label><input id="field-phone" name="phone" autocomplete="off">
    <label for="field-description">Description</label><input id="field-description" name="description" autocomplete="off">
    <label for="field-metadata">Metadata <span class="quiet">one <code>key=value</code> per line</span></label>
    <textarea id="field-metadata" rows="3" spellcheck="false"></textarea>
    <div class="actions">
      <button id="editor-delete" class="danger" type="button">Delete</button>
      <span class="gap"></span>
      <button id="editor-cancel" type="button">Cancel</button>
      <button id="editor-save" class="primary" type="submit">Save</button>
    </div>
  </form>
</dialog>
<dialog id="confirm" aria-labelledby="confirm-title">
  <form method="dialog">
    <h2 id="confirm-title">Delete this customer?</h2>
    <p id="confirm-text"></p>
    <div class="actions"><span class="gap"></span>
      <button id="confirm-no" type="button">Keep</button>
      <button id="confirm-yes" class="danger" type="button">Delete</button></div>
  </form>
</dialog>
<p id="toast" class="toast" role="status" hidden></p>
<script src="/page.js"></script>
</body>
</html>
`;
