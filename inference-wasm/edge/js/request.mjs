// What of a request is looked at, in one call each: a call between WebAssembly and JavaScript costs more than what it asks for here.

const HEADERS = ['origin', 'authorization', 'x-api-key', 'content-type', 'content-length', 'x-request-id'];

/** The method, the address, and a line for each of `HEADERS`, empty where there is none. None of them can hold a line break. */
export function head(request) {
  const { method, url, headers } = request;
  let lines = `${method}\n${url}`;
  for (const name of HEADERS) lines += `\n${headers.get(name) ?? ''}`;
  return lines;
}

/** All of the body; undefined when it takes too long. */
export function body(request, timeoutMs) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, timeoutMs);
    const end = (settle) => (outcome) => {
      clearTimeout(timer);
      settle(outcome);
    };
    request.arrayBuffer().then(end(resolve), end(reject));
  });
}
