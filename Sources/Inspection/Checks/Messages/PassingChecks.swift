import Rules
import SIPMessage
import SansIO
import WireReader

/// Checks that compare requests of different dialogs, as they pass: whose branch or nonce count was there before. Their memory is fixed,
/// and forgets what is long past.
struct PassingChecks {
  private struct Slot {
    var key: UInt64 = 0
    /// Which request it was.
    var identity: UInt64 = 0
    var frame = 0
    var count: UInt32 = 0
    var method = SIPMethod.invite
    var number: UInt32 = 0
    var title: String { "\(method.token) with CSeq \(number)" }
  }

  /// The slots that were used. A run has a table for each of its members, most of which see a few requests.
  private struct Table {
    private static let most = 8_192
    /// Where a place's slot is in `slots`, counted from 1.
    private var places: [UInt16] = []
    private var slots: [Slot] = []

    /// What had the same key before; nil where nothing is known of it.
    mutating func exchange(_ slot: Slot) -> Slot? {
      if places.isEmpty { places = [UInt16](repeating: 0, count: Self.most) }
      let place = Int(truncatingIfNeeded: slot.key >> 40) & (Self.most - 1)
      guard places[place] > 0 else {
        slots.append(slot)
        places[place] = UInt16(slots.count)
        return nil
      }
      let index = Int(places[place]) - 1
      let before = slots[index]
      slots[index] = slot
      return before.key == slot.key ? before : nil
    }
  }

  private var branches = Table()
  private var nonces = Table()

  mutating func check(_ message: ObservedMessage, _ conversation: Conversation) -> [Remark] {
    guard message.message.isRequest else { return [] }
    var remarks = credentials(message)
    if let remark = branch(message, conversation) { remarks.insert(remark, at: 0) }
    return remarks
  }

  /// Each new request has a branch of its own (RFC 3261 §8.1.1.7).
  private mutating func branch(_ message: ObservedMessage, _ conversation: Conversation) -> Remark? {
    guard message.method != .cancel, Self.isIdentifier(message.branch) else { return nil }
    // An ACK with its INVITE's branch is that of a refusal, or named by another check.
    if message.method == .ack, conversation.transactions.contains(where: { $0.method == .invite && $0.key.branch == message.branch }) {
      return nil
    }
    var (key, identity) = (Digest(), Self.identity(message))
    key.take(message.branch)
    key.take(message.source.address.low ^ message.source.address.high)
    if message.method == .ack, let tag = message.toTag { identity.take(tag) }
    let before = branches.exchange(
      Slot(key: key.value, identity: identity.value, frame: message.stamp.frame, method: message.method, number: message.cseq.number))
    guard let before, before.identity != identity.value else { return nil }
    return Remark(
      .branchReused,
      "\(Self.title(message)) from \(message.source) has the branch \(message.branch.prefix(60)) of \(before.title) in frame "
        + "\(before.frame)", message.stamp, by: message.source)
  }

  /// The nonce count grows with each use of a nonce (RFC 7616 §3.4). An ACK has the credentials of its INVITE.
  private mutating func credentials(_ message: ObservedMessage) -> [Remark] {
    guard message.method != .ack, message.method != .cancel else { return [] }
    var (count, form): (Remark?, Remark?)
    for name in [HeaderName.authorization, .proxyAuthorization] where message.message.first(name) != nil {
      for credentials in message.message.digestCredentials(name) {
        count = count ?? nonce(credentials, message)
        form = form ?? Self.form(credentials, message)
      }
    }
    return [form, count].compactMap(\.self)
  }

  /// With qop a client has chosen a nonce of its own and counts (RFC 7616 §3.4).
  private static func form(_ credentials: DigestCredentials, _ message: ObservedMessage) -> Remark? {
    let parameters = credentials.parameters
    guard parameters[.qop] != nil else { return nil }
    let missing = [parameters[.cnonce] == nil ? "cnonce" : nil, parameters[.nc] == nil ? "nc" : nil].compactMap(\.self)
    guard !missing.isEmpty else { return nil }
    return Remark(
      .credentials, "\(title(message)) from \(message.source) has credentials with qop and without \(missing.joined(separator: " and "))",
      message.stamp, by: message.source)
  }

  private mutating func nonce(_ credentials: DigestCredentials, _ message: ObservedMessage) -> Remark? {
    let parameters = credentials.parameters
    guard let nonce = parameters[.nonce]?.text, let text = parameters[.nc]?.text, let count = UInt32(text, radix: 16) else { return nil }
    var key = Digest()
    key.take(nonce)
    key.take(credentials.username ?? "")
    key.take(credentials.realm ?? "")
    let identity = Self.identity(message).value
    let slot = Slot(
      key: key.value, identity: identity, frame: message.stamp.frame, count: count, method: message.method, number: message.cseq.number)
    guard let before = nonces.exchange(slot), before.identity != identity, count <= before.count else { return nil }
    let severity: Rule.Severity = count == before.count ? .error : .warning
    return Remark(
      severity, "RFC 7616 §3.4",
      "\(Self.title(message)) from \(message.source) uses a nonce again with nc=\(text), after "
        + "\(before.title) in frame \(before.frame) with the count \(before.count)", message.stamp, of: .nonceCount, by: message.source)
  }

  private static func title(_ message: ObservedMessage) -> String { "\(message.method.token) with CSeq \(message.cseq.number)" }

  private static func identity(_ message: ObservedMessage) -> Digest {
    var digest = Digest()
    digest.take(message.callID)
    digest.take(message.method.token)
    digest.take(UInt64(message.cseq.number))
    return digest
  }

  /// FNV-1a, the same in each process.
  private struct Digest {
    var value: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func take(_ text: String) {
      for byte in text.utf8 { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
      take(0xFF)
    }

    mutating func take(_ number: UInt64) { value = (value ^ number) &* 0x100_0000_01B3 }
  }

  private static func isIdentifier(_ branch: String) -> Bool { branch.hasPrefix(Via.magicCookie) && branch.utf8.count > 7 }
}
