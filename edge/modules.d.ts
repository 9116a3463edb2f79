/** A compiled module, as the platform hands it out: it compiles none at run time. */
declare module '*.wasm' {
  const module: WebAssembly.Module
  export default module
}
