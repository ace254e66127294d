import SIPMessage
import SansIO

/// The connections by which the messages of a Call-ID go (RFC 3261 §18).
public struct ConnectionUse {
  /// A request within a dialog that has a connection of its own, although its sender had one to the same place.
  public struct Needless {
    public var stamp: FrameStamp
    public var method: SIPMethod
    public var source: TransportAddress
    public var destination: TransportAddress
    /// Its sender's end of the one that was open.
    public var former: TransportAddress
  }

  /// A response on another connection than that of its request, which was open.
  public struct Strayed {
    public var stamp: FrameStamp
    public var status: Int
    public var method: SIPMethod
    public var source: TransportAddress
    public var destination: TransportAddress
    public var request: FrameStamp
  }

  private static let most = 32
  private var links: [(one: TransportAddress, other: TransportAddress)] = []
  public private(set) var needless: [Needless] = []
  public private(set) var strayed: [Strayed] = []

  mutating func take(
    answer message: ObservedMessage, to request: ObservedTransaction?, _ isOpen: (TransportAddress, TransportAddress) -> Bool
  ) {
    guard let request, let sent = request.request, let status = message.status, request.transport != .udp, strayed.count < Self.most,
      message.source.address == request.destination.address, message.destination.address == request.source.address,
      message.source != request.destination || message.destination != request.source, isOpen(request.source, request.destination)
    else { return }
    strayed.append(
      Strayed(
        stamp: message.stamp, status: status, method: request.method, source: message.source, destination: message.destination,
        request: sent))
  }

  mutating func take(_ message: ObservedMessage, _ isOpen: (TransportAddress, TransportAddress) -> Bool) {
    let (source, destination) = (message.source, message.destination)
    guard links.count < Self.most,
      !links.contains(where: { [$0.one, $0.other].contains(source) && [$0.one, $0.other].contains(destination) })
    else { return }
    let former = links.lazy.compactMap { link -> TransportAddress? in
      if link.other == destination, link.one.address == source.address { return link.one }
      return link.one == destination && link.other.address == source.address ? link.other : nil
    }.first { isOpen($0, destination) }
    links.append((source, destination))
    guard let former, message.message.isRequest, message.toTag != nil else { return }
    needless.append(
      Needless(stamp: message.stamp, method: message.method, source: source, destination: destination, former: former))
  }
}
