import { run } from './verify.ts'
for await (const f of run()) console.log(f.name, f.value.toFixed(1), f.unit, '| peer', f.peerValue?.toFixed(1))
