// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

interface IPool {
  function mint(address to, int24 low, int24 high, uint128 amount, bytes calldata data) external returns (uint256, uint256);
  function swap(address to, bool zeroForOne, int256 amount, uint160 limit, bytes calldata data) external returns (int256, int256);
  function token0() external view returns (address);
  function token1() external view returns (address);
}

interface IToken {
  function transferFrom(address from, address to, uint256 amount) external returns (bool);
}

/// Pays a Uniswap v3 pool what it asks for, from whoever called. Any pool can ask: for tests alone.
contract Trader {
  function add(IPool pool, int24 low, int24 high, uint128 amount) external {
    pool.mint(msg.sender, low, high, amount, abi.encode(msg.sender));
  }

  function swap(IPool pool, bool zeroForOne, int256 amount) external {
    uint160 limit = zeroForOne ? 4295128740 : 1461446703485210103287273052203988822378723970341;
    pool.swap(msg.sender, zeroForOne, amount, limit, abi.encode(msg.sender));
  }

  function uniswapV3MintCallback(uint256 one, uint256 other, bytes calldata data) external {
    address payer = abi.decode(data, (address));
    if (one > 0) IToken(IPool(msg.sender).token0()).transferFrom(payer, msg.sender, one);
    if (other > 0) IToken(IPool(msg.sender).token1()).transferFrom(payer, msg.sender, other);
  }

  function uniswapV3SwapCallback(int256 one, int256 other, bytes calldata data) external {
    address payer = abi.decode(data, (address));
    if (one > 0) IToken(IPool(msg.sender).token0()).transferFrom(payer, msg.sender, uint256(one));
    if (other > 0) IToken(IPool(msg.sender).token1()).transferFrom(payer, msg.sender, uint256(other));
  }
}
