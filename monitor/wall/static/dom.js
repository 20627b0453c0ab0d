// Small helpers. Data reaches the page as text only, never as markup.

/** Sets text only where it differs, so that a page at rest costs no layout. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setData(element, name, value) {
  if (element.dataset[name] !== value) element.dataset[name] = value;
}

/** Copies a template's one element, and finds its parts by `data-field`. */
export function fromTemplate(id) {
  const element = document.getElementById(id).content.firstElementChild.cloneNode(true);
  return { element, fields: fieldsOf(element) };
}

export function fieldsOf(root) {
  const named = [...root.querySelectorAll("[data-field]")];
  return Object.fromEntries(named.map((element) => [element.dataset.field, element]));
}

/** Each state has a word, a colour and a shape. */
export function showState(element, state) {
  setData(element, "state", state);
  const use = element.querySelector("use");
  const href = `#icon-${state}`;
  if (use.getAttribute("href") !== href) use.setAttribute("href", href);
}
