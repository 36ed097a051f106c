import { styleText } from "node:util";

/** Colors a text, or not. */
export type Painter = (format: "cyan" | "green" | "yellow" | "red" | "dim" | "bold", text: string) => string;

export function painter({ color }: { color: boolean }): Painter {
  return (format, text) => (color ? styleText(format, text, { validateStream: false }) : text);
}
