/** A trace's id and flags out of a `traceparent` (W3C Trace Context, version 00); nothing when it is not one. */
export function readTrace(header: string | undefined): { readonly trace: string; readonly flags: string } | undefined {
  const [, trace, parent, flags] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(header ?? '') ?? []
  if (trace === undefined || flags === undefined || /^0+$/.test(trace) || /^0+$/.test(parent ?? '')) return undefined
  return { trace, flags }
}

/** The path without the ids in it. */
export function kindOfPath(path: string): string {
  return path
    .split('/')
    .slice(0, 9)
    .map((word) => (/^(0x.*|batch_.*|\d+)$/.test(word) ? ':id' : word.slice(0, 24)))
    .join('/')
}
