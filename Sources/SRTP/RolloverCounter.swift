/// The 48-bit packet index of SRTP, ROC and sequence number, from the 16 bits of it that packets carry (RFC 3711 §3.3.1).
enum PacketIndex {
  /// What a sequence number means beside the highest index of its source so far: the nearest index, and none below 0.
  static func estimate(_ sequenceNumber: UInt16, highest: UInt64) -> UInt64 {
    let rollover = highest & ~0xFFFF
    let same = rollover | UInt64(sequenceNumber)
    let last = highest & 0xFFFF
    if last < 0x8000 { return same > highest + 0x8000 && rollover > 0 ? same - 0x1_0000 : same }
    return last - 0x8000 > UInt64(sequenceNumber) ? same + 0x1_0000 : same
  }

  static func rolloverCounter(_ index: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: index >> 16) }
}

/// What becomes of the rollover counter when an offer or answer brings a new key and a new transport address; products differ
/// (policy key `rekey`, contract 8.8).
///
/// | what changes | `keepROC` | `restartROC` |
/// | --- | --- | --- |
/// | the key | goes on | goes on |
/// | the key and the address | goes on | 0 |
/// | the address alone | goes on | goes on; RFC 4568 §7.1.4 forbids it |
public enum RolloverReading: String, Hashable, Sendable, CaseIterable {
  /// RFC 3711 §3.3.1: after a new master key the counter always goes on.
  case keepROC
  /// RFC 4568 §7.1.4: another address is another cryptographic context, whose counter begins at 0.
  case restartROC

  /// The table above.
  public func outcome(isNewKey: Bool, isNewAddress: Bool) -> RekeyOutcome {
    switch (isNewKey, isNewAddress) {
    case (false, false): .unchanged
    case (false, true): .addressAlone
    case (true, false): .goesOn
    case (true, true): self == .keepROC ? .goesOn : .restarted
    }
  }

  /// The same for keys in full: as long as one of them stays, nothing begins anew.
  func outcome(from old: SRTPKeys, to new: SRTPKeys, isNewAddress: Bool) -> RekeyOutcome {
    let outcome = outcome(isNewKey: !new.sharesKey(with: old), isNewAddress: isNewAddress)
    return outcome == .unchanged && !new.hasSameKeys(as: old) ? .goesOn : outcome
  }
}

/// What keys that an offer or answer brought did to a sender or receiver.
public enum RekeyOutcome: Hashable, Sendable {
  case unchanged
  /// Another address without another key, which RFC 4568 §7.1.4 forbids. Everything goes on: the same key with a counter of 0 would use
  /// the same keystream twice.
  case addressAlone
  /// The new key protects; ROC and SRTCP index go on (RFC 3711 §3.3.1, §3.4).
  case goesOn
  /// A new context: ROC and SRTCP index begin at 0 (RFC 4568 §7.1.4).
  case restarted
}
