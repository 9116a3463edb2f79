// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

import {ERC20, ERC4626, IERC20} from '@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol';

/// OpenZeppelin's vault as it stands.
contract Vault is ERC4626 {
  constructor(IERC20 asset) ERC20('Vault', 'VLT') ERC4626(asset) {}
}
