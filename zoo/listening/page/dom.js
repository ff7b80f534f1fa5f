// Elements, without markup in strings.

/** An element with attributes, listeners ("onclick") and children. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** Show a line below the page, announced by screen readers; a warning stands out. */
export function say(text, warning = false) {
  const status = document.getElementById("status");
  status.textContent = text;
  status.classList.toggle("warn", warning);
}
