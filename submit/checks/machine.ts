import { messageOf } from "../../core/errors.ts";
import { fail, ok, type Finding } from "./finding.ts";

const neededMajor = 24;

/** What runs here: Node, sharp and the libvips it carries. */
export async function checkRuntime(): Promise<Finding[]> {
  return [checkNode(), await checkSharp()];
}

function checkNode(): Finding {
  const version = process.versions.node;
  const text = `${version} on ${process.platform} ${process.arch}`;
  return Number(version.split(".")[0]) >= neededMajor
    ? ok("node", text)
    : fail("node", `${text}: ${neededMajor} is needed`, "npm ci brings one");
}

async function checkSharp(): Promise<Finding> {
  try {
    const { default: sharp } = await import("../../jobs/sharp.ts");
    const { data } = await sharp({ create: { width: 8, height: 8, channels: 3, background: "white" } })
      .jpeg()
      .toBuffer({ resolveWithObject: true });
    await sharp(data).resize(4).toBuffer();
    return ok("sharp", `${sharp.versions.sharp ?? ""} with libvips ${sharp.versions.vips}: encoded and decoded an image`);
  } catch (error) {
    return fail("sharp", messageOf(error), "npm ci; sharp needs its prebuilt package for this platform");
  }
}
