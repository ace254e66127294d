import SIPMessage
import SIPTransport
import SansIO

/// What transactions are matched by (RFC 3261 §17.1.3, §17.2.3): branch and method, for servers the sent-by as well.
///
/// Tables hash it by one number and compare the bytes behind it.
struct BranchKey: Sendable {
  /// Of the branch alone.
  let hash: UInt64
  private var branch: Bytes
  private var sentBy: Bytes
  private let port: UInt16?
  private(set) var method: SIPMethod

  /// That of a client transaction: a response has the branch of our request.
  init(branch: Bytes, method: SIPMethod) {
    (self.branch, self.method) = (branch, method)
    (sentBy, port) = (Bytes(), nil)
    hash = ByteHash.of(branch)
  }

  /// The client transaction that a response belongs to; nil where a field it is matched by is missing.
  init?(response: InboundMessage) {
    guard let via = response.essentials.via, let method = response.essentials.cseq?.method else { return nil }
    self.method = method
    branch = via.branch.map { response.message[$0] } ?? Bytes()
    (sentBy, port) = (Bytes(), nil)
    hash = via.branch == nil ? ByteHash.of(Bytes()) : via.branchHash
  }

  /// The server transaction that a request belongs to; an ACK belongs to its INVITE.
  ///
  /// - Parameter toTag: for a peer of RFC 2543: that of To, but for an ACK that of its INVITE.
  init(request: InboundMessage, _ via: TopmostVia, method: SIPMethod, toTag: ByteRange? = nil) throws(SIPHeaderError) {
    self.method = method == .ack ? .invite : method
    if let range = via.branch, via.hasTransactionBranch {
      branch = request.message[range]
      (sentBy, port) = (request.message[via.host], via.port)
      hash = via.branchHash
    } else {
      // A peer of RFC 2543 (§17.2.3): the fields that make its request one of a kind.
      let message = request.message
      let parts: [Bytes?] = [
        message.requestURIBytes, toTag.map { message[$0] }, try message.from().tag.map { Bytes($0) }, Bytes(try message.callID()),
        Bytes("\(try message.cseq().number)"), message[via.element],
      ]
      branch = Bytes(Array(parts.map { $0.map(\.array) ?? [] }.joined(separator: [10])))
      (sentBy, port) = (Bytes(), nil)
      hash = ByteHash.of(branch)
    }
  }

  /// Of a message that we sent: whether it is a request, and its key; nil for ACK, which has no transaction.
  init?(sent message: SIPMessage) {
    let essentials = message.essentials()
    guard let via = essentials.via, let branch = via.branch, let method = essentials.cseq?.method, message.method != .ack else {
      return nil
    }
    self.method = method
    self.branch = message[branch]
    (sentBy, port) = message.isRequest ? (Bytes(), nil) : (message[via.host], via.port)
    hash = via.branchHash
  }

  /// The same in bytes of its own, so that a table does not keep whole messages.
  func compacted() -> BranchKey {
    var key = self
    key.branch = branch.compacted()
    key.sentBy = sentBy.compacted()
    return key
  }

  func replacing(method: SIPMethod) -> BranchKey {
    var key = self
    key.method = method
    return key
  }
}

extension BranchKey: Equatable {
  static func == (left: BranchKey, right: BranchKey) -> Bool {
    left.hash == right.hash && left.port == right.port && left.method == right.method && left.branch == right.branch
      && left.sentBy.count == right.sentBy.count && left.sentBy.elementsEqual(right.sentBy) { lowercase($0) == lowercase($1) }
  }

  private static func lowercase(_ byte: UInt8) -> UInt8 { byte &- 65 < 26 ? byte | 0x20 : byte }
}
