/** The page's CSS: one column below 900 px, two above. */

export const STYLE = `
:root { --ink: #1a2233; --quiet: #5b6577; --line: #e1e6ee; --paper: #fff; --ground: #f4f6fa; --accent: #4b45c6;
  --good: #0a6b3d; --good-ground: #e3f5ea; --warn: #8a5200; --warn-ground: #fdf0d8; --bad: #a31621; --bad-ground: #fde8e8; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 20px; margin: 0; font-weight: 600; } h1 strong { color: var(--bad); }
h2 { font-size: 16px; margin: 0; }
code, .mono { font: 12.5px/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.quiet { color: var(--quiet); font-weight: 400; font-size: 13px; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
[hidden] { display: none !important; }
.top { display: flex; gap: 16px; justify-content: space-between; align-items: flex-start; padding: 18px 24px; background: var(--paper); border-bottom: 3px solid var(--accent); }
.top p { margin: 2px 0 0; color: var(--quiet); }
.pill { padding: 2px 10px; border-radius: 99px; font-size: 12.5px; white-space: nowrap; background: var(--warn-ground); color: var(--warn) !important; }
.pill.good { background: var(--good-ground); color: var(--good) !important; }
.pill.bad { background: var(--bad-ground); color: var(--bad) !important; }
main { display: grid; gap: 20px; padding: 20px 24px; grid-template-columns: minmax(0, 1fr); max-width: 1500px; margin: 0 auto; }
@media (min-width: 900px) { main { grid-template-columns: minmax(0, 1.15fr) minmax(0, 1fr); align-items: start; } }
.card { background: var(--paper); border: 1px solid var(--line); border-radius: 10px; overflow: hidden; }
.bar { display: flex; flex-wrap: wrap; gap: 10px 14px; align-items: center; padding: 12px 16px; border-bottom: 1px solid var(--line); }
.bar h2 { margin-right: auto; }
.search { flex: 1 1 150px; max-width: 260px; }
input, textarea { width: 100%; padding: 7px 10px; border: 1px solid #8a94a6; border-radius: 6px; font: inherit; color: inherit; background: #fff; }
textarea { font: 13px/1.4 ui-monospace, Menlo, Consolas, monospace; resize: vertical; }
button { padding: 7px 13px; border: 1px solid #b6bfcd; border-radius: 6px; background: #fff; color: inherit; font: inherit; font-weight: 500; cursor: pointer; }
button:hover { background: #f0f2f7; }
button.primary { background: var(--accent); border-color: var(--accent); color: #fff; } button.primary:hover { background: #3b36a6; }
button.danger { color: var(--bad); border-color: #d9a3a7; } button.danger:hover { background: var(--bad-ground); }
button:disabled { opacity: .55; cursor: default; }
:focus-visible { outline: 3px solid #8f8bf0; outline-offset: 1px; }
.rows { list-style: none; margin: 0; padding: 0; }
.rows > li { display: flex; gap: 12px; align-items: center; padding: 10px 16px; border-bottom: 1px solid #eef1f6; }
.rows > li:last-child { border-bottom: 0; }
.who { min-width: 0; flex: 1; } .who > * { display: block; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.who b { font-weight: 600; } .who b.none { color: var(--quiet); font-weight: 400; font-style: italic; }
.when { color: var(--quiet); font-size: 12.5px; white-space: nowrap; }
.fresh { animation: fresh 2.4s ease-out; } @keyframes fresh { from { background: #e9e8ff; } }
@media (prefers-reduced-motion: reduce) { .fresh { animation: none; } }
.empty { padding: 26px 16px; margin: 0; text-align: center; color: var(--quiet); }
.more { margin: 0; padding: 0 16px; text-align: center; } .more button { margin: 10px 0; }
.tabs { display: flex; gap: 2px; } .tabs button { border-color: transparent; padding: 5px 10px; font-size: 14px; }
.tabs button[aria-selected="true"] { background: #ecebfb; color: #332e9e; }
#activity { max-height: 72vh; overflow-y: auto; }
#activity-rows > li { display: block; padding: 8px 16px; }
summary { cursor: pointer; display: flex; gap: 10px; align-items: baseline; } summary::-webkit-details-marker { display: none; }
.about { margin: 0; padding: 9px 16px; color: var(--quiet); font-size: 13px; border-bottom: 1px solid #eef1f6; }
.what { flex: 1; min-width: 0; } .what > * { display: block; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; } .what small { color: var(--quiet); font-size: 12.5px; white-space: normal; overflow-wrap: anywhere; }
.by { color: var(--quiet); font-size: 12.5px; white-space: nowrap; text-align: right; } .by > * { display: block; }
.tag { font-size: 12px; padding: 1px 7px; border-radius: 99px; background: #e9edf4; color: #3f4a5c; white-space: nowrap; }
.tag.good { background: var(--good-ground); color: var(--good); } .tag.bad { background: var(--bad-ground); color: var(--bad); } .tag.warn { background: var(--warn-ground); color: var(--warn); }
pre { margin: 8px 0 4px; padding: 10px; background: #f6f8fb; border: 1px solid var(--line); border-radius: 6px; overflow-x: auto; max-height: 320px; font: 12px/1.45 ui-monospace, Menlo, Consolas, monospace; }
dialog { border: 0; border-radius: 12px; padding: 0; width: min(460px, calc(100vw - 24px)); box-shadow: 0 18px 60px rgb(20 28 50 / .3); color: inherit; }
dialog::backdrop { background: rgb(20 28 50 / .45); }
dialog form { display: grid; gap: 6px; padding: 20px; } dialog form p { margin: 0; overflow-wrap: anywhere; } dialog label { margin-top: 8px; font-weight: 500; }
.actions { display: flex; flex-wrap: wrap; gap: 10px; margin-top: 16px; } .gap { flex: 1; }
.error { background: var(--bad-ground); color: var(--bad); padding: 8px 12px; border-radius: 6px; }
.toast { position: fixed; bottom: 18px; left: 50%; transform: translateX(-50%); margin: 0; padding: 9px 16px; border-radius: 8px; background: #1a2233; color: #fff; max-width: calc(100vw - 32px); }
@media (max-width: 560px) { .top { flex-direction: column; gap: 8px; } .top, main { padding: 14px 12px; } .search { order: 3; flex-basis: 100%; max-width: none; } #customers .when { display: none; } }
`;
