// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

interface Token {
    function balanceOf(address owner) external view returns (uint256);
}

/// Holds tokens (ERC-20) for whoever shows what a hash is the SHA-256 of, until an end; from then on they go back.
///
/// Nobody owns it, nothing of it can be changed, and it takes no fee. What it holds of one lock never pays another one.
contract HashLock {
    uint256 private constant HELD = 1;
    uint256 private constant OVER = 2;

    /// By the hash of all that a lock says: 0 for one that never was, and one that is over is over for good.
    mapping(bytes32 id => uint256) public state;

    event Locked(bytes32 indexed id);
    event Taken(bytes32 indexed id, bytes32 preimage);
    event Returned(bytes32 indexed id);

    error WrongState();
    error WrongPreimage();
    error TooEarly();
    error TooLate();
    error TokenFailed();

    struct Lock {
        address token;
        address owner;
        address taker;
        uint256 amount;
        bytes32 hash;
        /// Seconds since 1970: the first moment at which it can no longer be taken.
        uint256 end;
    }

    function lock(Lock calldata what) external {
        bytes32 id = keccak256(abi.encode(what));
        // Only its owner can make a lock, so nobody else can use up its name or its allowance.
        if (state[id] != 0 || what.owner != msg.sender) revert WrongState();
        if (block.timestamp >= what.end) revert TooLate();
        state[id] = HELD;
        uint256 before = Token(what.token).balanceOf(address(this));
        _call(what.token, abi.encodeWithSelector(0x23b872dd, what.owner, address(this), what.amount));
        // A token that keeps a part for itself would leave less here than is owed.
        if (Token(what.token).balanceOf(address(this)) - before != what.amount) revert TokenFailed();
        emit Locked(id);
    }

    /// Anybody may call it: it pays the taker.
    function take(Lock calldata what, bytes32 preimage) external {
        bytes32 id = keccak256(abi.encode(what));
        if (state[id] != HELD) revert WrongState();
        if (block.timestamp >= what.end) revert TooLate();
        if (sha256(abi.encodePacked(preimage)) != what.hash) revert WrongPreimage();
        state[id] = OVER;
        emit Taken(id, preimage);
        _call(what.token, abi.encodeWithSelector(0xa9059cbb, what.taker, what.amount));
    }

    /// Anybody may call it: it pays the owner.
    function giveBack(Lock calldata what) external {
        bytes32 id = keccak256(abi.encode(what));
        if (state[id] != HELD) revert WrongState();
        if (block.timestamp < what.end) revert TooEarly();
        state[id] = OVER;
        emit Returned(id);
        _call(what.token, abi.encodeWithSelector(0xa9059cbb, what.owner, what.amount));
    }

    /// Some tokens answer nothing, which counts as done where there is code.
    function _call(address token, bytes memory data) private {
        (bool done, bytes memory answer) = token.call(data);
        bool isYes = answer.length == 0 ? token.code.length > 0 : answer.length >= 32 && abi.decode(answer, (uint256)) == 1;
        if (!done || !isYes) revert TokenFailed();
    }
}
