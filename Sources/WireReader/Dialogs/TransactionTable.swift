import SIPMessage
import SansIO

/// The transactions of one Call-ID, each on its hop: a request and what answers it have one branch (RFC 3261 §17.1.3) and pass between the
/// same two hosts. A message that is seen on both sides of a NAT is two, and not one and its copy.
struct TransactionTable {
  private static let most = 1_024
  private static let few = 16
  /// Those that are kept of what is live.
  private static let story = 64

  private(set) var list: [ObservedTransaction] = []
  /// ACKs whose number no INVITE has.
  private(set) var strays: [ObservedTransaction.StrayAcknowledgement] = []
  /// Used where there are many; a call has five.
  private var index: [ObservedTransaction.Key: [Int]] = [:]

  // MARK: - Finding

  /// The transaction with this key whose hop fits best, the latest of equals. A rank of 0 does not fit at all.
  private func position(_ key: ObservedTransaction.Key, _ rank: (ObservedTransaction) -> Int) -> Int? {
    var best: (position: Int, rank: Int)?
    func look(_ position: Int) {
      let found = rank(list[position])
      if found > 0, found >= best?.rank ?? 1 { best = (position, found) }
    }
    if list.count <= Self.few {
      for position in list.indices where list[position].key == key { look(position) }
    } else {
      for position in index[key] ?? [] { look(position) }
    }
    return best?.position
  }

  private func position(ofResponse message: ObservedMessage) -> Int? {
    position(message.transactionKey(message.cseq.method)) { $0.rank(response: message) }
  }

  /// The INVITE that a CANCEL or an ACK names by its branch, on the same hop where that is known.
  private func invite(of message: ObservedMessage) -> Int? {
    position(message.transactionKey(.invite)) { max($0.rank(request: message), 1) }
  }

  /// What a response answers.
  func transaction(ofResponse message: ObservedMessage) -> ObservedTransaction? { position(ofResponse: message).map { list[$0] } }

  private mutating func add(_ transaction: ObservedTransaction) {
    // Half of what a long-lived Call-ID has is enough to go on.
    if list.count >= Self.most { list.removeFirst(Self.most / 2) }
    list.append(transaction)
    if list.count == Self.few + 1 || list.count == Self.most / 2 + 1 {
      makeIndex()
    } else if list.count > Self.few {
      index[transaction.key, default: []].append(list.count - 1)
    }
  }

  private mutating func makeIndex() {
    index = [:]
    for (position, transaction) in list.enumerated() { index[transaction.key, default: []].append(position) }
  }

  /// Takes out the oldest of what was over at that time, and leaves what a story needs: the last ones, and those that began it.
  mutating func thin(before time: Int64) {
    var excess = list.count - Self.story
    guard excess > 0 else { return }
    var begun = 0
    list.removeAll { transaction in
      if transaction.method == .invite, transaction.isInitial {
        begun += 1
        if begun <= Self.few { return false }
      }
      guard excess > 0, transaction.last < time else { return false }
      excess -= 1
      return true
    }
    makeIndex()
  }

  // MARK: - Requests

  /// - Returns: how often it was seen before on its hop.
  mutating func request(_ message: ObservedMessage, _ spellings: Spellings) -> Int {
    if message.method == .ack { return acknowledge(message, spellings) }
    let key = message.transactionKey(message.method)
    if let known = position(key, { $0.rank(request: message) }) {
      list[known].takeCopy(message.stamp)
      return list[known].copies - 1
    }
    add(ObservedTransaction(message, key: key, spellings))
    if message.method == .cancel, let known = invite(of: message), list[known].cancel == nil { list[known].cancel = message.stamp }
    return 0
  }

  // MARK: - ACK

  /// The ACK of a non-2xx has the INVITE's branch and its hop (RFC 3261 §17.1.1.3). That of a 2xx has its sequence number and tags
  /// (§13.2.2.4) and a way of its own: one of them acknowledges the copies of that 2xx on every hop.
  private mutating func acknowledge(_ message: ObservedMessage, _ spellings: Spellings) -> Int {
    let own = invite(of: message)
    if let own, list[own].success == nil {
      if list[own].acknowledgement == nil { list[own].acknowledgement = message.stamp }
      return note(message, in: own, hasInvitesBranch: true, spellings)
    }
    let hops = list.indices.filter { list[$0].isInvite(message.cseq.number, message.fromTag) }
    guard let first = hops.first else { return stray(message) }
    for hop in hops { list[hop].acknowledgeSuccess(toTag: message.toTag, message.stamp, message.description) }
    return note(message, in: first, hasInvitesBranch: own != nil, spellings)
  }

  private mutating func stray(_ message: ObservedMessage) -> Int {
    let copies = strays.count { $0.number == message.cseq.number && $0.branch == message.branch && $0.source == message.source }
    guard copies == 0, strays.count < ObservedTransaction.mostAcknowledgements else { return copies }
    strays.append(
      ObservedTransaction.StrayAcknowledgement(
        number: message.cseq.number, branch: message.branch, fromTag: message.fromTag, toTag: message.toTag, source: message.source,
        stamp: message.stamp))
    return 0
  }

  private mutating func note(_ message: ObservedMessage, in position: Int, hasInvitesBranch: Bool, _ spellings: Spellings) -> Int {
    let known = list[position].acknowledgements.firstIndex { known in
      known.source.address == message.source.address && known.destination == message.destination && known.toTag == message.toTag
    }
    if let known {
      list[position].acknowledgements[known].copies += 1
      let first = list[position].acknowledgements[known].description
      if let first, let now = message.description, first.digest != now.digest {
        list[position].acknowledgements[known].changed = list[position].acknowledgements[known].changed ?? message.stamp
      }
      return list[position].acknowledgements[known].copies - 1
    }
    guard list[position].acknowledgements.count < ObservedTransaction.mostAcknowledgements else { return 0 }
    list[position].acknowledgements.append(ObservedTransaction.Acknowledgement(message, hasInvitesBranch: hasInvitesBranch, spellings))
    return 0
  }

  // MARK: - Responses

  /// - Returns: how often it was seen before on its hop.
  mutating func response(_ message: ObservedMessage, _ status: Int, _ spellings: Spellings) -> Int {
    var found = position(ofResponse: message)
    if found == nil {
      add(ObservedTransaction(message, key: message.transactionKey(message.cseq.method), spellings))
    }
    if found == nil { found = position(ofResponse: message) }
    guard let known = found else { return 0 }
    let same = list[known].responses.firstIndex { response in
      response.status == status && response.toTag == message.toTag && response.phrase == message.phrase
        && (response.description == nil) == (message.description == nil)
    }
    if let same {
      list[known].takeCopy(of: same, message.stamp)
      if let first = list[known].responses[same].description, let now = message.description, first.digest != now.digest,
        list[known].responses[same].changed == nil
      {
        list[known].responses[same].changed = message.stamp
      }
      return list[known].responses[same].copies - 1
    }
    list[known].responses.append(ObservedTransaction.Response(message, status, spellings))
    if list[known].method == .invite, (200..<300).contains(status) { acknowledgeEarly(known, message) }
    return 0
  }

  /// Packets of several interfaces may come in another order than they had: the ACK before its 2xx.
  private mutating func acknowledgeEarly(_ position: Int, _ message: ObservedMessage) {
    for other in list where other.isInvite(message.cseq.number, message.fromTag) {
      for known in other.acknowledgements where !known.hasInvitesBranch {
        list[position].acknowledgeSuccess(toTag: known.toTag, known.first, known.description)
      }
    }
  }
}
