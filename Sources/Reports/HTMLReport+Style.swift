extension HTMLReport {
    /// How the page looks, in daylight, at night and on paper.
    static let style = """
        :root {
          color-scheme: light dark;
          --ground: #ffffff; --raised: #f4f5f7; --line: #d6d9df; --ink: #1b1f24; --soft: #57606a; --link: #0550ae;
          --built: #1a7f37; --cached: #0a7ea4; --failed: #c4232b; --skipped: #8a6100; --waiting: #6e7781;
          --prep: #b9c2cf; --fetch: #c8a9e8; --lint: #a8d5c2; --test: #f2cf7e; --build: #8ec1f0; --package: #b5d99c;
          --failure-bar: #f29a9a; --label: #14181d;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --ground: #14171b; --raised: #1e2228; --line: #39404a; --ink: #e3e7ec; --soft: #a3adb8; --link: #7cb7ff;
            --built: #56d37a; --cached: #5cc4e6; --failed: #ff7b78; --skipped: #e0b050; --waiting: #96a0ab;
            --prep: #47505d; --fetch: #5e4680; --lint: #2f6653; --test: #7a5f16; --build: #235a8f; --package: #40682a;
            --failure-bar: #8f2f33; --label: #f2f5f8;
          }
        }
        * { box-sizing: border-box; }
        body {
          margin: 0 auto; padding: 1.5rem; max-width: 75rem; background: var(--ground); color: var(--ink);
          font: 1rem/1.5 system-ui, sans-serif;
        }
        h1 { font-size: 1.75rem; margin: 0; line-height: 1.25; }
        h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
        h3 { font-size: 1rem; margin: 1rem 0 .25rem; overflow-wrap: anywhere; }
        header p { color: var(--soft); margin: .25rem 0 0; overflow-wrap: anywhere; }
        a { color: var(--link); }
        :focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
        code, pre { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .875em; }
        pre {
          background: var(--raised); border: 1px solid var(--line); border-radius: 6px; padding: .75rem;
          overflow: auto; max-height: 30rem; white-space: pre-wrap; overflow-wrap: anywhere; margin: .5rem 0;
        }
        .tiles { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.25rem 0 0; }
        .tiles div {
          background: var(--raised); border: 1px solid var(--line); border-radius: 6px; padding: .5rem 1rem;
          min-width: 6rem;
        }
        .tiles dt { color: var(--soft); font-size: .875rem; }
        .tiles dd { margin: 0; font-size: 1.4rem; font-variant-numeric: tabular-nums; }
        .tiles .built dd { color: var(--built); }
        .tiles .cached dd { color: var(--cached); }
        .tiles .failed dd { color: var(--failed); }
        .tiles .skipped dd { color: var(--skipped); }
        .mark {
          display: inline-block; width: .7em; height: .7em; border-radius: 50%; margin-right: .5em;
          background: var(--waiting);
        }
        .mark.built { background: var(--built); }
        .mark.cached { background: var(--cached); }
        .mark.failed { background: var(--failed); border-radius: 0; }
        .mark.skipped { background: var(--skipped); border-radius: 0; transform: rotate(45deg) scale(.8); }
        .failure { border-left: 4px solid var(--failed); padding-left: 1rem; margin: 1rem 0; }
        .reason { white-space: pre-wrap; overflow-wrap: anywhere; margin: .25rem 0; }
        .scroll { overflow-x: auto; }
        table { border-collapse: collapse; width: 100%; font-size: .9375rem; }
        th, td { text-align: left; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); }
        thead th { color: var(--soft); font-weight: 600; white-space: nowrap; }
        tbody th { font-weight: 400; overflow-wrap: anywhere; min-width: 12rem; }
        td:first-child { white-space: nowrap; }
        .number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
        details { border-bottom: 1px solid var(--line); padding: .35rem 0; }
        summary { cursor: pointer; overflow-wrap: anywhere; }
        .timeline { display: block; min-width: 40rem; }
        .timeline .grid { stroke: var(--line); }
        .timeline .axis { fill: var(--soft); font: 12px system-ui, sans-serif; }
        .timeline .label { fill: var(--label); font: 12px system-ui, sans-serif; pointer-events: none; }
        .package-bar { fill: var(--raised); stroke: var(--line); }
        .prep { fill: var(--prep); background: var(--prep); }
        .fetch { fill: var(--fetch); background: var(--fetch); }
        .lint { fill: var(--lint); background: var(--lint); }
        .test { fill: var(--test); background: var(--test); }
        .build { fill: var(--build); background: var(--build); }
        .package { fill: var(--package); background: var(--package); }
        .timeline .failed, .legend .failed { fill: var(--failure-bar); background: var(--failure-bar); }
        .legend { display: flex; flex-wrap: wrap; gap: .25rem 1rem; list-style: none; padding: 0; font-size: .875rem; }
        .legend span { display: inline-block; width: 1em; height: .75em; margin-right: .4em; }
        @media print { pre { max-height: none; } .scroll { overflow: visible; } }
        """
}
