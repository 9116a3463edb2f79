// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

import {ERC20, ERC20Permit, ERC20Votes} from '@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol';
import {Governor} from '@openzeppelin/contracts/governance/Governor.sol';
import {GovernorCountingSimple} from '@openzeppelin/contracts/governance/extensions/GovernorCountingSimple.sol';
import {GovernorVotes, IVotes} from '@openzeppelin/contracts/governance/extensions/GovernorVotes.sol';

/// OpenZeppelin's token with votes, by the clock of blocks' timestamps.
contract Shares is ERC20Votes {
  constructor(uint256 supply) ERC20('Shares', 'SHR') ERC20Permit('Shares') {
    _mint(msg.sender, supply);
  }

  function clock() public view override returns (uint48) {
    return uint48(block.timestamp);
  }

  function CLOCK_MODE() public pure override returns (string memory) {
    return 'mode=timestamp';
  }
}

/// OpenZeppelin's governor with simple counting: votes for a week, a second after the proposal.
contract Assembly is Governor, GovernorCountingSimple, GovernorVotes {
  constructor(IVotes shares) Governor('Assembly') GovernorVotes(shares) {}

  function votingDelay() public pure override returns (uint256) {
    return 1;
  }

  function votingPeriod() public pure override returns (uint256) {
    return 604800;
  }

  function quorum(uint256) public pure override returns (uint256) {
    return 1;
  }
}
