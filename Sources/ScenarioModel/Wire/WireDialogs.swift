import SIPMessage
import SansIO

/// What a wire member, which has no stack, has to remember of what came: the last request of each method, to be answered, and the dialog of
/// the last INVITE either way, so that a scenario can speak within it without knowing tags that only the run knows.
struct WireDialogs: Sendable {
  /// A dialog as this side writes it (RFC 3261 §12).
  struct Dialog: Sendable, Equatable {
    var callID: String
    /// From of our requests, with our tag.
    var local: String
    /// To of our requests, with the peer's tag as far as one is known.
    var remote: String
    /// The peer's Contact, else its address of record.
    var target: String
    /// CSeq of the INVITE, which its ACK and CANCEL repeat.
    var inviteSequence: UInt32
    /// CSeq of our last request.
    var sequence: UInt32
    /// The branch of our INVITE that was refused last, which its ACK repeats (RFC 3261 §17.1.1.3).
    var refusedBranch: String?
  }

  private var requests: [String: [SIPMessage]] = [:]
  private(set) var dialogs: [String: Dialog] = [:]
  private var branches = 0

  /// The newest request that the member received, of this method where one is named.
  func request(of member: String, method: String?) -> SIPMessage? {
    requests[member]?.last { method == nil || $0.method?.token == method }
  }

  mutating func take(_ member: String, _ message: SIPMessage) {
    if let method = message.method {
      // One a method is enough to answer; the newest stands last.
      requests[member, default: []].removeAll { $0.method == method }
      requests[member, default: []].append(message)
      if method == .invite { takeInvite(member, message) }
    } else if (try? message.cseq().method) == .invite, (message.status ?? 0) > 100 {
      takeResponse(member, message)
    }
  }

  private mutating func takeInvite(_ member: String, _ message: SIPMessage) {
    guard let callID = try? message.callID(), let from = message.first(.from)?.text, let to = message.first(.to)?.text,
      let sequence = try? message.cseq().number
    else { return }
    if dialogs[member]?.callID == callID {
      // A re-INVITE moves the remote target (§12.2.2) and nothing else.
      if let target = Self.target(message) { dialogs[member]?.target = target }
      return
    }
    let target = Self.target(message) ?? (try? message.from().uri.description) ?? ""
    dialogs[member] = Dialog(callID: callID, local: to, remote: from, target: target, inviteSequence: sequence, sequence: 0)
  }

  private mutating func takeResponse(_ member: String, _ message: SIPMessage) {
    guard let callID = try? message.callID(), let from = message.first(.from)?.text, let to = message.first(.to)?.text,
      let sequence = try? message.cseq().number
    else { return }
    let known = dialogs[member].flatMap { $0.callID == callID ? $0 : nil }
    let target = Self.target(message) ?? known?.target ?? (try? message.to().uri.description) ?? ""
    var dialog = Dialog(
      callID: callID, local: from, remote: to, target: target, inviteSequence: sequence, sequence: max(sequence, known?.sequence ?? 0))
    if (message.status ?? 0) >= 300 { dialog.refusedBranch = try? message.via().branch }
    dialogs[member] = dialog
  }

  private static func target(_ message: SIPMessage) -> String? {
    guard case .list(let contacts)? = try? message.contacts() else { return nil }
    return contacts.first?.uri.description
  }

  /// Our tag of the dialog, once a reply has given one.
  mutating func setTag(_ tag: String, of member: String, callID: String) {
    guard let dialog = dialogs[member], dialog.callID == callID else { return }
    let bare = dialog.local.components(before: ";tag=")
    dialogs[member]?.local = "\(bare);tag=\(tag)"
  }

  /// The CSeq number of the member's next request within its dialog.
  mutating func nextSequence(of member: String, method: String) -> UInt32 {
    guard let dialog = dialogs[member] else { return 1 }
    if method == "ACK" || method == "CANCEL" { return dialog.inviteSequence }
    dialogs[member]?.sequence = dialog.sequence + 1
    return dialog.sequence + 1
  }

  mutating func nextBranch(of member: String, method: String) -> String {
    if method == "ACK", let branch = dialogs[member]?.refusedBranch { return branch }
    branches += 1
    return "z9hG4bK-wire-\(branches)"
  }
}

extension String {
  /// What stands before the first occurrence of `part`, or all of it.
  fileprivate func components(before part: String) -> String { firstRange(of: part).map { String(self[..<$0.lowerBound]) } ?? self }
}

/// Messages that wire members write by rule, where a scenario does not want to write every byte.
enum WireMessage {
  /// A response as RFC 3261 §8.2.6 has it: Via, From, To, Call-ID and CSeq copied, To with `tag` unless it has one.
  static func response(to request: SIPMessage, start: String, tag: String?, _ content: WireContent) -> Bytes {
    var lines = ["SIP/2.0 \(start)"]
    for via in request.all(.via) { lines.append("Via: \(via.text)") }
    for name in [HeaderName.from, .to, .callID, .cseq] {
      guard let value = request.first(name)?.text else { continue }
      let isTagged = name != .to || tag == nil || value.contains(";tag=")
      lines.append("\(name): \(value)\(isTagged ? "" : ";tag=\(tag ?? "")")")
    }
    return finish(lines, content)
  }

  /// A request within a dialog (RFC 3261 §12.2.1.1).
  static func request(
    _ method: String, uri: String?, in dialog: WireDialogs.Dialog, via: String, branch: String, sequence: UInt32, _ content: WireContent
  ) -> Bytes {
    let lines = [
      "\(method) \(uri ?? dialog.target) SIP/2.0", "Via: \(via);branch=\(branch);rport", "Max-Forwards: 70", "From: \(dialog.local)",
      "To: \(dialog.remote)", "Call-ID: \(dialog.callID)", "CSeq: \(sequence) \(method)",
    ]
    return finish(lines, content)
  }

  private static func finish(_ lines: [String], _ content: WireContent) -> Bytes {
    let (fields, text) = (content.fields, content.bodyBytes)
    let names = Set(fields.map { HeaderName($0.0) })
    // A field that the scenario names stands for ours.
    var lines = lines.enumerated().filter { $0.offset == 0 || !names.contains(HeaderName(String($0.element.prefix { $0 != ":" }))) }.map(
      \.element)
    lines += fields.map { "\($0.0): \($0.1)" }
    if !text.isEmpty, !names.contains(.contentType) { lines.append("Content-Type: application/sdp") }
    if !names.contains(.contentLength) { lines.append("Content-Length: \(text.utf8.count)") }
    return Bytes(lines.joined(separator: "\r\n") + "\r\n\r\n" + text)
  }
}
