import process from "node:process";

/** Google's client warns of a metadata server that it cannot ask; what that means for the verb, its error says. */
const unsaid = new Set(["MetadataLookupWarning"]);

/** Leaves these out of what Node writes to stderr. */
export function leaveOutWarnings(): void {
  const tellers = process.listeners("warning");
  process.removeAllListeners("warning");
  process.on("warning", (warning) => {
    if (!unsaid.has(warning.name)) for (const tell of tellers) tell(warning);
  });
}
