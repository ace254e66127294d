import KallglotPolicy
import SIPMessage
import SansIO

/// Which sources hear nothing at all, not even that somebody listens (contract 8.1 step 3, `allowlistRefusal: drop`). Values that a policy
/// sets: it stands before transactions, and what it drops makes none.
public struct DropGate: Hashable, Sendable {
  /// nil: everybody may come.
  private var admitted: [AddressRange]?
  private var transports: [SIPTransportProtocol] = []
  /// Whether it holds for every request; else only for connections and for what nobody can read, and a request may tell whose policy it is.
  public private(set) var coversRequests = false

  public static let open = DropGate()

  private init() {}

  /// - Parameters:
  ///   - admitted: all other addresses are dropped.
  ///   - transports: over others everybody is answered.
  public init(admitting admitted: [AddressRange], over transports: [SIPTransportProtocol], coversRequests: Bool) {
    (self.admitted, self.transports, self.coversRequests) = (admitted, transports, coversRequests)
  }

  public func drops(_ flow: Flow) -> Bool {
    guard let admitted, transports.contains(flow.transport) else { return false }
    return !admitted.contains { $0.contains(flow.remote.address) }
  }
}

/// The newest requests that were dropped, so that a repetition is not reported again. A flood must not grow without bound.
public struct DroppedRequests {
  public static let limit = 1_024

  private struct Key: Hashable {
    var branch: UInt64?
    var method: SIPMethod?
    var source: TransportAddress
  }

  private var known: Set<Key> = []
  private var newest: [Key] = []
  private var next = 0

  public init() {}

  public var count: Int { newest.count }

  /// Whether it is not one of those known already.
  public mutating func isNew(_ request: InboundMessage) -> Bool {
    let key = Key(branch: request.essentials.via?.branchHash, method: request.message.method, source: request.flow.remote)
    guard known.insert(key).inserted else { return false }
    if newest.count < Self.limit {
      newest.append(key)
    } else {
      known.remove(newest[next])
      newest[next] = key
      next = (next + 1) % Self.limit
    }
    return true
  }
}
