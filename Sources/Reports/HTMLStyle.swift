extension HTMLReport {
    /// The page's style sheet.
    static let style = """
        :root{--paper:#fbfaf7;--card:#fff;--ink:#1d1c1a;--soft:#6b6862;--line:#e5e1d8;--kept:#0e7a63;--kept-wash:#e7f3ee;\
        --blip:#8fa3bd;--web:#b9730f;--bad:#b3453a;--notice:#fdf3d8;--notice-line:#e3c56b;--mono:ui-monospace,"SF Mono",Menlo,\
        Consolas,"DejaVu Sans Mono",monospace}
        @media(prefers-color-scheme:dark){:root{--paper:#151514;--card:#1e1d1c;--ink:#ebe8e1;--soft:#9c978d;--line:#33312d;\
        --kept:#4fc3a1;--kept-wash:#19302a;--blip:#62748c;--web:#e0a04a;--bad:#e0786c;--notice:#332a12;--notice-line:#7a6426}}
        *{box-sizing:border-box}
        html{-webkit-text-size-adjust:100%}
        body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,\
        "DejaVu Sans",sans-serif;font-feature-settings:"kern"}
        header,main{max-width:1240px;margin:0 auto;padding:0 clamp(16px,4vw,48px)}
        header{padding-top:clamp(28px,6vw,72px)}
        .kicker{margin:0;color:var(--soft);font-size:13px;letter-spacing:.04em}
        h1{margin:.1em 0 .5em;font:400 clamp(32px,5vw,54px)/1.1 "Iowan Old Style","Palatino Linotype",Palatino,Georgia,\
        "DejaVu Serif",serif;letter-spacing:-.015em;overflow-wrap:anywhere}
        h2{margin:0 0 .35em;font:400 26px/1.2 "Iowan Old Style","Palatino Linotype",Palatino,Georgia,"DejaVu Serif",serif}
        section{margin:0;padding:44px 0 0}
        main{padding-bottom:96px}
        .note,.empty{margin:0 0 20px;color:var(--soft);max-width:70ch}
        .notice{margin:0 0 28px;padding:12px 16px;background:var(--notice);border-left:3px solid var(--notice-line);max-width:80ch;\
        overflow-wrap:anywhere}
        .figures{display:flex;flex-wrap:wrap;margin:0;border-top:1px solid var(--line);border-bottom:1px solid var(--line)}
        .figures div{flex:1 1 150px;padding:16px 20px 14px 0}
        .figures dt{color:var(--soft);font-size:13px}
        .figures dd{margin:0;font-size:28px;line-height:1.2;font-variant-numeric:tabular-nums;letter-spacing:-.01em}
        .figures small{display:block;min-height:1.5em;font-size:13px;letter-spacing:0;color:var(--soft)}
        .filter{display:flex;flex-wrap:wrap;gap:10px;align-items:center;margin:0 0 20px}
        .filter[hidden]{display:none}
        .filter input,.filter select{font:inherit;color:inherit;background:var(--card);border:1px solid var(--line);\
        border-radius:6px;padding:7px 10px;min-width:0}
        .filter input{flex:1 1 260px;max-width:420px}
        .filter :focus-visible,summary:focus-visible{outline:2px solid var(--kept);outline-offset:1px}
        .filter output{color:var(--soft);font-size:13px}
        .cards{columns:3 340px;column-gap:20px}
        #more>summary{cursor:pointer;padding:10px 0;color:var(--kept)}
        #more[open]>summary{color:var(--soft);margin-bottom:12px}
        nav{display:flex;flex-wrap:wrap;gap:4px 24px;padding:12px 0;font-size:14px}
        nav a{color:var(--soft);text-decoration:none}
        nav a:hover,nav a:focus-visible{color:var(--kept);text-decoration:underline;text-underline-offset:3px}
        .card{break-inside:avoid;margin:0 0 20px;background:var(--card);border:1px solid var(--line);border-radius:8px;\
        overflow:hidden}
        .card[hidden]{display:none}
        .picture{display:flex;justify-content:center;align-items:center;background:color-mix(in srgb,var(--line) 45%,var(--card));\
        min-height:80px}
        .picture img{display:block;max-width:100%;max-height:320px;height:auto}
        .picture.none{height:140px;color:var(--soft);font-size:13px}
        .words{padding:14px 16px 12px}
        .words p{margin:0;overflow-wrap:anywhere}
        .kept{font-size:17px;line-height:1.35}
        .words .kept+.kept{margin-top:3px;color:var(--soft)}
        .words .original{margin-top:8px;color:var(--soft);font-size:13.5px;display:-webkit-box;-webkit-line-clamp:5;\
        -webkit-box-orient:vertical;overflow:hidden}
        .original span{margin-inline-end:.5em;color:var(--web);font-size:11.5px}
        .candidates{list-style:none;margin:12px 0 0;padding:0;border-top:1px solid var(--line)}
        .candidates li{display:grid;grid-template-columns:1fr auto auto;column-gap:8px;align-items:baseline;padding:3px 0 1px;\
        font-size:13px;line-height:1.35;color:var(--soft)}
        .candidates .text{overflow-wrap:anywhere;min-width:0;display:-webkit-box;-webkit-line-clamp:3;-webkit-box-orient:vertical;\
        overflow:hidden}
        .tag{font-size:11px;color:var(--soft)}
        .web .tag,.human .tag{color:var(--web)}
        .score{font-variant-numeric:tabular-nums}
        .bar{display:block;height:2px;background:var(--line);grid-column:1/-1;margin-top:2px}
        .bar i{display:block;height:100%;background:var(--blip)}
        .candidates .web .bar i,.candidates .human .bar i{background:var(--web)}
        .candidates .is-kept{color:var(--ink);background:var(--kept-wash);margin:0 -16px;padding-left:13px;\
        padding-right:16px;border-left:3px solid var(--kept)}
        .candidates .is-kept .score{font-weight:600}
        .candidates .is-kept .bar i{background:var(--kept)}
        .words .foot{display:flex;justify-content:space-between;gap:8px;flex-wrap:wrap;margin-top:12px;color:var(--soft);\
        font:11.5px/1.5 var(--mono)}
        .words .foot.url{margin-top:0;overflow-wrap:anywhere}
        .pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:28px 48px}
        .chart{margin:0}
        .chart figcaption{font-size:14px;margin-bottom:8px}
        .chart svg{display:block;width:100%;height:auto;overflow:visible}
        .chart text{font-size:13px;fill:var(--soft);text-anchor:middle;font-variant-numeric:tabular-nums}
        .chart .base,.chart .tick{stroke:var(--soft);stroke-width:1;opacity:.6}
        .s-blip{--c:var(--blip)}.s-kept{--c:var(--kept)}.s-web{--c:var(--web)}
        .chart rect{fill:var(--c)}
        .chart g.s-kept rect{opacity:.75}
        .chart .line{fill:var(--c);fill-opacity:.08;stroke:var(--c);stroke-width:2;stroke-linejoin:round}
        .legend{display:flex;flex-wrap:wrap;gap:4px 20px;margin:8px 0 0;font-size:13px}
        .legend i{display:inline-block;width:10px;height:10px;border-radius:2px;background:var(--c);margin-right:6px}
        .legend small{color:var(--soft);font-size:13px;font-variant-numeric:tabular-nums}
        .reason{border-top:1px solid var(--line)}
        .reason:last-child{border-bottom:1px solid var(--line)}
        .reason .line{display:grid;grid-template-columns:minmax(130px,200px) minmax(96px,130px) 1fr;gap:12px;align-items:center;\
        padding:8px 0}
        .reason summary{cursor:pointer;list-style:none}
        .reason summary::-webkit-details-marker{display:none}
        .reason .name::before{content:"";display:inline-block;width:1.1em}
        .reason summary .name::before{content:"+";color:var(--soft)}
        .reason[open] summary .name::before{content:"–"}
        .reason .name{font:13px/1.5 var(--mono)}
        .reason .count{text-align:right;font-variant-numeric:tabular-nums}
        .reason .count small{display:inline-block;min-width:4.4em;color:var(--soft);font-size:13px}
        .reason .bar{grid-column:auto;height:8px;background:none;margin:0}
        .reason .bar i{background:var(--bad);opacity:.75;border-radius:0 2px 2px 0;min-width:2px}
        .reason ul{margin:0 0 12px;padding:0 0 0 1.1em;list-style:none;font-size:13.5px;color:var(--soft)}
        .reason li{overflow-wrap:anywhere;padding:2px 0}
        .reason .url{display:block;font:11.5px/1.5 var(--mono)}
        code{font:12.5px/1.5 var(--mono);overflow-wrap:anywhere}
        .scroll{overflow-x:auto}
        table{border-collapse:collapse;width:100%;font-size:14px}
        th{font-weight:400;color:var(--soft);font-size:13px;text-align:left;white-space:nowrap}
        th,td{padding:7px 20px 7px 0;border-bottom:1px solid var(--line);vertical-align:baseline}
        td{max-width:360px;overflow-wrap:anywhere}
        .n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
        .facts{margin:0}
        .facts div{display:grid;grid-template-columns:110px 1fr;padding:6px 0;border-bottom:1px solid var(--line)}
        .facts dt{color:var(--soft)}
        .facts dd{margin:0;min-width:0;overflow-wrap:anywhere}
        .facts code{display:block;color:var(--soft)}
        .shards{margin-top:16px}
        .shards summary{cursor:pointer;color:var(--soft);margin-bottom:8px}
        @media(max-width:560px){.facts div{grid-template-columns:1fr}.figures div{flex-basis:44%}\
        .reason .line{grid-template-columns:1fr auto}.reason .bar{grid-column:1/-1}}
        @media print{.filter{display:none}.card{border-color:#bbb}}
        """

    /// The page's script: it narrows the gallery down, and nothing else.
    static let script = """
        (() => {
          const filter = document.getElementById('filter');
          if (!filter) return;
          const cards = Array.from(document.querySelectorAll('.card'));
          const text = cards.map(card => card.textContent.toLowerCase());
          const value = id => { const e = document.getElementById(id); return e ? e.value : ''; };
          const more = document.getElementById('more');
          const update = () => {
            const words = value('words').toLowerCase().split(/\\s+/).filter(Boolean);
            const source = value('source'), web = value('web');
            if (more && (words.length || source || web)) more.open = true;
            let shown = 0;
            cards.forEach((card, i) => {
              const fits = words.every(word => text[i].includes(word)) &&
                (!source || card.dataset.source === source) && (!web || card.dataset.web === web);
              card.hidden = !fits;
              if (fits) shown += 1;
            });
            document.getElementById('shown').textContent = shown === cards.length ? '' : shown + ' of ' + cards.length;
          };
          filter.addEventListener('input', update);
          filter.hidden = false;
          update();
        })();
        """
}
