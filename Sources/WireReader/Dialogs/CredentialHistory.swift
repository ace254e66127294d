import SIPMessage
import SansIO

/// What became of the credentials of a client whose requests are challenged, one after the other (RFC 3261 §22).
public struct CredentialHistory {
  /// Challenges of one kind, counted.
  public struct Count {
    public private(set) var times = 0
    public private(set) var first: FrameStamp?

    mutating func add(_ stamp: FrameStamp) {
      if times == 0 { first = stamp }
      times += 1
    }
  }

  /// A nonce that had expired, and the server did not say `stale=true` (RFC 7616 §3.3).
  public struct Expiry {
    public var stamp: FrameStamp
    /// Nanoseconds between the nonce and the credentials for it, where the capture shows it.
    public var age: Int64?
    /// The reason phrase says so.
    public var isSaid: Bool
    public var status: Int
    public var phrase: String

    public init(stamp: FrameStamp, age: Int64?, isSaid: Bool, status: Int, phrase: String) {
      (self.stamp, self.age, self.isSaid, self.status, self.phrase) = (stamp, age, isSaid, status, phrase)
    }
  }

  private static let mostExpiries = 100
  private var memory = ChallengeMemory()
  /// Credentials for the nonce just given that were challenged again, the most in a row.
  public private(set) var refused = Count()
  private var row = Count()
  /// Requests without credentials after a challenge, in a row, while no request ever had any.
  public private(set) var withoutAny = Count()
  /// Credentials for another nonce than the one given last, the most in a row.
  public private(set) var oldNonces = Count()
  private var oldRow = Count()
  public private(set) var expiries: [Expiry] = []
  public private(set) var wereSent = false
  /// The first challenge.
  public private(set) var challenged: FrameStamp?
  /// The last request with credentials that was accepted.
  public private(set) var accepted: FrameStamp?

  /// A request has credentials.
  mutating func sent() { wereSent = true }

  /// Takes a 401 or 407.
  mutating func take(_ status: Int, _ message: ObservedMessage, _ challenges: [DigestChallenge], to request: ObservedTransaction) {
    let hadChallenge = challenged != nil
    if challenged == nil { challenged = message.stamp }
    let use = memory.take(
      status, phrase: message.phrase, challenges, to: request.credentials, request: request.request, message.stamp)
    switch use {
    case .none: if hadChallenge, !wereSent { withoutAny.add(message.stamp) }
    case .refused:
      row.add(message.stamp)
      if row.times > refused.times { refused = row }
    case .oldNonce:
      oldRow.add(message.stamp)
      if oldRow.times > oldNonces.times { oldNonces = oldRow }
    case .expired(let age, let isSaid):
      guard expiries.count < Self.mostExpiries else { return }
      expiries.append(Expiry(stamp: message.stamp, age: age, isSaid: isSaid, status: status, phrase: message.phrase))
    case .stale, .unknown: break
    }
  }

  /// A request was accepted.
  mutating func accepted(_ request: ObservedTransaction, _ stamp: FrameStamp) {
    interrupted()
    guard request.hasCredentials else { return }
    accepted = stamp
  }

  /// Another answer than a challenge ends a row.
  mutating func interrupted() {
    row = Count()
    oldRow = Count()
  }
}
