export {
  type DecodedInvoice,
  decodeInvoice,
  sealInvoice,
  signInvoice,
  type UnsignedInvoice,
  unsignedInvoice,
} from './codec.ts'
export {
  type Description,
  expiresAtSeconds,
  expirySecondsDefault,
  finalExpiryBlocksDefault,
  type Hop,
  type Invoice,
  invoiceCharsMax,
  invoiceFeatures,
  type Payable,
  paymentFault,
  type SignedInvoice,
} from './invoice.ts'
