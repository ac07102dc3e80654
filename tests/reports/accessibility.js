// Rules of accessibility that can be checked on a rendered page. Returns one sentence for each breach.
const problems = [];
const say = (element, what) => problems.push(`${element.tagName.toLowerCase()} "${(element.textContent || "").trim().slice(0, 40)}" ${what}`);

if (!document.documentElement.lang) problems.push("the page has no language");
if (!document.title.trim()) problems.push("the page has no title");
for (const landmark of ["header", "main", "footer"])
  if (document.querySelectorAll(`body > ${landmark}`).length !== 1) problems.push(`the page has not exactly one ${landmark}`);

let level = 0;
for (const heading of document.querySelectorAll("h1,h2,h3,h4,h5,h6")) {
  const next = Number(heading.tagName[1]);
  if (next > level + 1) say(heading, `goes from h${level} to h${next}`);
  if (!heading.textContent.trim()) say(heading, "is empty");
  level = next;
}
if (document.querySelectorAll("h1").length !== 1) problems.push("the page has not exactly one h1");

const ids = new Set();
for (const element of document.querySelectorAll("[id]")) {
  if (element.closest("svg")) continue;
  if (ids.has(element.id)) say(element, `repeats the id ${element.id}`);
  ids.add(element.id);
}
for (const attribute of ["aria-labelledby", "aria-describedby"])
  for (const element of document.querySelectorAll(`[${attribute}]`))
    for (const id of element.getAttribute(attribute).split(/\s+/))
      if (!document.getElementById(id)) say(element, `is named by ${id}, which is not there`);
for (const anchor of document.querySelectorAll("a[href^='#']"))
  if (!document.getElementById(decodeURIComponent(anchor.hash.slice(1)))) say(anchor, "leads nowhere");

const named = (element) => element.hasAttribute("aria-label") || element.hasAttribute("aria-labelledby");
for (const header of document.querySelectorAll("th")) if (!header.scope) say(header, "has no scope");
for (const table of document.querySelectorAll("table")) {
  if (!table.querySelector("thead th")) say(table, "has no head");
  const region = table.closest("[role=region]");
  if (!region || !named(region) || region.tabIndex !== 0) say(table, "is in no named region that the keyboard can scroll");
}
for (const element of document.querySelectorAll("[role=img],[role=figure],nav,section,article,aside"))
  if (!named(element)) say(element, "has no name");
for (const picture of document.querySelectorAll("[role=img]"))
  if (picture.querySelector("a,button,[tabindex]")) say(picture, "hides a control in a picture");
const names = new Set();
for (const landmark of document.querySelectorAll("nav,section,aside,[role=region]")) {
  const by = document.getElementById(landmark.getAttribute("aria-labelledby"));
  const name = landmark.getAttribute("aria-label") || (by ? by.textContent : "");
  if (names.has(name)) say(landmark, `has the same name as another landmark: ${name}`);
  names.add(name);
}
for (const link of document.querySelectorAll("a,summary,button"))
  if (!link.closest(".chart") && !link.textContent.trim()) say(link, "has no text");
for (const badge of document.querySelectorAll(".badge"))
  if (!/[a-z]{4}/.test(badge.textContent)) say(badge, "tells its status by colour alone");

// Contrast: WCAG 2, relative luminance; at least 4.5, or 3 for large text.
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
function rgba(colour) {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = colour;
  canvas.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
  return [r, g, b, a / 255];
}
function luminance([r, g, b]) {
  const part = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
}
function ground(element) {
  for (let at = element; at; at = at.parentElement) {
    const colour = rgba(getComputedStyle(at).backgroundColor);
    if (colour[3] > 0.99) return colour;
  }
  return [255, 255, 255, 1];
}
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const reported = new Set();
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || ["SCRIPT", "STYLE"].includes(element.tagName)) continue;
  const style = getComputedStyle(element);
  if (style.visibility === "hidden" || style.display === "none" || style.opacity === "0") continue;
  const drawn = element.closest("svg");
  const ink = luminance(rgba(drawn ? style.fill : style.color)), behind = luminance(ground(element));
  const contrast = (Math.max(ink, behind) + 0.05) / (Math.min(ink, behind) + 0.05);
  const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  const key = `${element.tagName}.${element.className}`;
  if (contrast < (large ? 3 : 4.5) && !reported.has(key)) {
    reported.add(key);
    say(element, `(${key}) has a contrast of ${contrast.toFixed(2)}`);
  }
}
return problems;
