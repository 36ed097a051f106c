/** Small helpers over the document. Text goes in as text: nothing here can make markup out of it. */

type Child = Node | string | undefined;
type Attributes = Record<string, string | number | boolean | undefined>;

/** An element with attributes and children; an attribute that is `true` is there, one that is false or undefined is not. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

export function setAttribute(element: Element, name: string, value: Attributes[string]): void {
  if (value === undefined || value === false) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : String(value));
}

export function button(label: string, attributes: Attributes, onClick: () => void): HTMLButtonElement {
  const element = h("button", { type: "button", ...attributes }, label);
  element.addEventListener("click", onClick);
  return element;
}

/** A name from outside: apart from the direction of the text around it. */
export function nameOf(text: string): HTMLElement {
  return h("bdi", { class: "name" }, text);
}

/** Puts `children` into `parent`, the focus kept where the focused element stays. */
export function refill(parent: Element, children: Child[]): void {
  const focused = document.activeElement;
  parent.replaceChildren(...children.filter((child) => child !== undefined));
  if (focused instanceof HTMLElement && focused !== document.activeElement && parent.contains(focused))
    focused.focus({ preventScroll: true });
}

export function need<T extends Element>(found: T | null, what: string): T {
  if (found === null) throw new Error(`the page has no ${what}`);
  return found;
}
