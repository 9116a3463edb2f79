const want = process.env.TRACE_HASH
if (want)
  (globalThis as any).TRACE = (who: string, event: any, step: any) => {
    const js = (x: any) =>
      JSON.stringify(x, (k, v) =>
        typeof v === 'bigint' ? `${v}` : v instanceof Map ? [...v] : k === 'raw' || k === 'footprint' ? undefined : v,
      )
    const changes = step.changes.filter((c: any) => js(c).includes(want))
    const ev = js(event)
    const effects = step.effects.filter((c: any) => js(c).includes(want))
    if (changes.length || ev.includes(want) || effects.length)
      console.log(
        event.now % 1000000,
        who,
        event.type,
        ev.includes(want) ? ev.slice(0, 1500) : '',
        '\n   ->',
        changes.map(js).join('\n      '),
        '\n   =>',
        effects.map(js).join('\n      ').slice(0, 600),
      )
  }
