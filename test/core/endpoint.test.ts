import assert from "node:assert/strict";
import { parseEndpoint } from "../../core/endpoint.ts";

describe("addresses of services", () => {
  const known: [string, string, boolean][] = [
    ["http://127.0.0.1:4443", "http://127.0.0.1:4443", true],
    ["http://127.0.0.1:4443/", "http://127.0.0.1:4443", true],
    ["127.3.2.1:80", "http://127.3.2.1", true],
    ["localhost:9050", "http://localhost:9050", true],
    ["[::1]:9050", "http://[::1]:9050", true],
    ["http://10.0.0.1:1/base/", "http://10.0.0.1:1/base", false],
    ["bigquery.example.com:443", "https://bigquery.example.com", false],
    ["127.0.0.1.example.com:80", "https://127.0.0.1.example.com:80", false],
  ];
  for (const [text, url, loopback] of known) {
    it(`${text} is ${url}`, () => assert.deepEqual(parseEndpoint(text), { url, loopback }));
  }

  for (const text of ["", "http://", "ftp://host:1", "host:port"]) {
    it(`"${text}" is a usage error`, () => assert.throws(() => parseEndpoint(text), { code: "USAGE" }));
  }
});
