import { h } from "./dom.ts";

export interface Tip {
  /** `x`: pixels from the left edge of `over`. */
  show(over: HTMLElement, x: number, title: string, numbers: [name: string, value: string][]): void;
  hide(): void;
}

/** One small card that follows what is looked at. Screen readers have the chart's options instead. */
export function createTip(): Tip {
  const card = h("div", { class: "tip", "aria-hidden": "true", hidden: true });
  return {
    show: (over, x, title, numbers) => {
      card.replaceChildren(
        h("b", {}, title),
        ...numbers.map(([name, value]) => h("div", {}, h("span", {}, name), h("span", { class: "number" }, value))),
      );
      if (card.parentElement !== over) over.append(card);
      card.hidden = false;
      const half = card.offsetWidth / 2;
      card.style.left = `${Math.min(over.clientWidth - half, Math.max(half, x))}px`;
    },
    hide: () => {
      card.hidden = true;
    },
  };
}
