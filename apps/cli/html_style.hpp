#pragma once
#include <string_view>

namespace harmony::cli {

/// Colours with enough contrast on light and dark ground; signs and words carry the meaning, colour only repeats it.
inline constexpr std::string_view html_style = R"css(
:root{--ink:#1f2328;--soft:#59636e;--ground:#fff;--raised:#f6f8fa;--line:#d1d9e0;--green:#1a7f37;--yellow:#9a6700;--red:#cf222e;--blue:#0969da;--purple:#8250df;--bar:#54aeff;--barstep:#a5d3ff}
@media (prefers-color-scheme:dark){:root{--ink:#f0f6fc;--soft:#9198a1;--ground:#0d1117;--raised:#151b23;--line:#3d444d;--green:#3fb950;--yellow:#d29922;--red:#f85149;--blue:#4493f8;--purple:#ab7df8;--bar:#1f6feb;--barstep:#234876}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:72rem;margin:0 auto;padding:2rem 1.5rem}
h1{font-size:1.7rem;margin:.1rem 0 .5rem}
h2{font-size:1.15rem;margin:2.2rem 0 .6rem;border-bottom:1px solid var(--line);padding-bottom:.3rem}
.verb{margin:0;color:var(--soft);text-transform:uppercase;letter-spacing:.08em;font-size:.8rem}
p{margin:.4rem 0}
a{color:var(--blue)}
code,pre,.gantt{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:.86em}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:.6rem 0}
dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere}
.badge{display:inline-block;border-radius:1rem;padding:.05rem .7rem;color:#fff;font-weight:600;font-size:.85rem;background:var(--soft)}
.badge.ok{background:#1a7f37}
.badge.failed{background:#cf222e}
pre.error{background:var(--raised);border:1px solid var(--line);border-left:4px solid var(--red);border-radius:6px;padding:.8rem 1rem;overflow-x:auto;white-space:pre}
table{border-collapse:collapse}
th,td{text-align:left;padding:.2rem .9rem .2rem 0;vertical-align:top}
th{color:var(--soft);font-weight:500}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.gantt{border:1px solid var(--line);border-radius:6px;overflow:hidden}
.row{display:grid;grid-template-columns:minmax(11rem,22rem) 5.5rem 1fr;align-items:center;gap:.8rem;padding:.12rem .8rem}
.row .name{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.row .n{color:var(--soft)}
.row.phase{background:var(--raised);font-weight:600}
.track{position:relative;height:1.35rem;overflow:hidden}
.track i{position:absolute;top:.28rem;bottom:.28rem;min-width:3px;border-radius:3px;background:var(--bar)}
.step .track i{background:var(--barstep)}
.phase .track i{background:var(--soft);top:.5rem;bottom:.5rem}
.smoke.ok .track i,.smoke .track i{background:var(--green)}
.failed .track i{background:var(--red)}
.stopped .track i{background:var(--yellow)}
.track small{position:absolute;top:.05rem;padding:0 .5rem;white-space:nowrap;color:var(--soft);font-size:.9em;max-width:60%;overflow:hidden;text-overflow:ellipsis}
.track small.upon{color:var(--ink);line-height:1.35rem;top:0}
.track:has(.upon) i{top:.1rem;bottom:.1rem}
.failed .track small{color:var(--red)}
.failed .track small.upon{color:#fff}
.scale .track span{position:absolute;white-space:nowrap;transform:translateX(-50%);color:var(--soft);font-size:.85em}
.scale .track span:first-child{transform:none}
.scale .track span:last-child{transform:translateX(-100%)}
details.step{border:1px solid var(--line);border-radius:6px;margin:.35rem 0;background:var(--raised)}
summary{padding:.35rem .8rem;cursor:pointer}
summary span{color:var(--soft);margin-right:.4rem}
summary span+strong{color:var(--ink)}
em{font-style:normal;color:var(--yellow)}
.sign{display:inline-block;min-width:1.9rem;font-family:ui-monospace,Menlo,Consolas,monospace}
.create>summary>.sign,.part.create>.sign,.after{color:var(--green)}
.update>summary>.sign,.part.update>.sign{color:var(--yellow)}
.replace>summary>.sign,.part.replace>.sign{color:var(--purple)}
.remove>summary>.sign,.part.remove>.sign,.before{color:var(--red)}
.unknown>summary>.sign,.part.unknown>.sign{color:var(--blue)}
.part{padding:.15rem .8rem .15rem 2.4rem;overflow-wrap:anywhere}
.part:last-child{padding-bottom:.6rem}
.part p{margin:0;color:var(--soft)}
.before,.after{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:.86em;white-space:pre-wrap}
footer{margin-top:3rem;color:var(--soft);font-size:.85rem}
@media (max-width:62rem){.scale .track span:nth-child(even){display:none}}
@media (max-width:54rem){.row{grid-template-columns:minmax(7rem,12rem) 4.5rem 1fr}}
@media (max-width:38rem){main{padding:1rem .8rem}.row{grid-template-columns:1fr 4.5rem;gap:0 .8rem}.track{grid-column:1/-1}.scale div:empty{display:none}section{overflow-x:auto}}
)css";

}  // namespace harmony::cli
