declare module 'coinselect' {
  interface Part {
    readonly script: { readonly length: number }
    readonly value: number
  }
  /** Absent `inputs` mean that the coins do not suffice. Our own fields of a coin come back with it. */
  const coinSelect: <coin extends Part>(
    coins: readonly coin[],
    outputs: readonly Part[],
    satsPerByte: number,
  ) => { readonly inputs?: readonly coin[] }
  export default coinSelect
}
