import SRTP
import SansIO

/// DTLS associations of a capture, read for what they say of SRTP: the two hellos, and with the session's master secret the keys
/// (RFC 5764 §4.2, RFC 5705).
///
/// ```
///   nothing ──ClientHello──► asked ──ServerHello with use_srtp──► keyed, once the key log has its master secret
///                              └──ServerHello without──► not for SRTP
/// ```
public struct DTLSTable {
  private struct Pair: Hashable {
    var low: TransportAddress
    var high: TransportAddress

    init(_ way: StreamTable.Way) {
      (low, high) = way.source < way.destination ? (way.source, way.destination) : (way.destination, way.source)
    }
  }

  /// One handshake between two places.
  struct Association {
    var client: TransportAddress
    var clientRandom: Bytes
    /// The frame of its ClientHello.
    let number: Int
    var hello: TLSHello.Server?
    /// Those of the client and of the server.
    var keys: (client: SRTPKeys, server: SRTPKeys)?

    /// Whether this client waits for its answer.
    func isAsked(_ place: TransportAddress) -> Bool { client == place && hello == nil }
  }

  private struct Place {
    /// The newest comes first.
    var associations: [Association] = []
    /// Of the lower place and of the higher.
    var fragments = (low: DTLSFragments(), high: DTLSFragments())
    /// Datagrams of each.
    var sent = (low: 0, high: 0)
    let first: FrameStamp
    var last: Int64

    mutating func add(_ association: Association) {
      associations.insert(association, at: 0)
      if associations.count > DTLSTable.mostAssociations { associations.removeLast() }
    }
  }

  private static let (mostPlaces, mostAssociations) = (8_192, 4)

  private var places: [Pair: Place] = [:]
  /// Of each client the handshake that it began last, while nobody has answered it: the answer may come from another place than was asked,
  /// as behind a NAT, or from a host with several addresses.
  private var asked: [TransportAddress: Pair] = [:]
  /// The newest handshake of each place, by its frame.
  private var newest: [TransportAddress: Int] = [:]
  private var certificates = ShownCertificates()
  private let keyLog: KeyLog
  /// Grows with every ServerHello.
  private(set) var generation = 0

  init(keyLog: KeyLog) { self.keyLog = keyLog }

  var isEmpty: Bool { places.isEmpty }

  // MARK: - Datagrams

  /// Takes a datagram that begins like a record of DTLS.
  mutating func take(_ datagram: Bytes, _ way: StreamTable.Way, _ stamp: FrameStamp) {
    let records = DTLSRecords.read(datagram).filter { $0.type == DTLSRecords.handshake && $0.epoch == 0 }
    let pair = Pair(way)
    guard places[pair] != nil || datagram[0] == DTLSRecords.handshake else { return }
    if places[pair] == nil, places.count >= Self.mostPlaces { forgetOldest() }
    var place = places[pair] ?? Place(first: stamp, last: stamp.time)
    place.last = stamp.time
    let isLow = way.source == pair.low
    if isLow { place.sent.low += 1 } else { place.sent.high += 1 }
    for record in records {
      let messages = isLow ? place.fragments.low.take(record.payload) : place.fragments.high.take(record.payload)
      for message in messages {
        if message.type != DTLSFragments.certificate {
          take(message.type, message.body, way, stamp, &place)
        } else if let certificate = ShownCertificate(message.body, stamp) {
          certificates.add(certificate, of: way.source)
        }
      }
    }
    places[pair] = place
  }

  private mutating func take(_ type: UInt8, _ body: Bytes, _ way: StreamTable.Way, _ stamp: FrameStamp, _ place: inout Place) {
    if type == 1, let hello = TLSHello.client(body, isDatagram: true) {
      // It comes again behind a HelloVerifyRequest, and when it is lost; another random begins another association.
      guard !place.associations.contains(where: { $0.clientRandom == hello.random }) else { return }
      place.add(Association(client: way.source, clientRandom: hello.random, number: stamp.frame))
      asked[way.source] = Pair(way)
      (newest[way.source], newest[way.destination]) = (stamp.frame, stamp.frame)
    } else if type == 2, let hello = TLSHello.server(body) {
      if let index = place.associations.firstIndex(where: { $0.isAsked(way.destination) }) {
        place.associations[index].hello = hello
      } else {
        guard let asked = asked[way.destination], let other = places[asked]?.associations,
          let index = other.firstIndex(where: { $0.isAsked(way.destination) })
        else { return }
        places[asked]?.associations[index].hello = hello
        var association = other[index]
        association.hello = hello
        place.add(association)
        newest[way.source] = association.number
      }
      asked[way.destination] = nil
      generation += 1
    }
  }

  private mutating func forgetOldest() {
    let times = places.values.map(\.last).sorted()
    let limit = times[times.count / 8]
    places = places.filter { $0.value.last > limit }
    forgetEnds()
  }

  /// What is known of single places follows the handshakes.
  private mutating func forgetEnds() {
    asked = asked.filter { places[$0.value] != nil }
    let known = Set(places.keys.flatMap { [$0.low, $0.high] })
    newest = newest.filter { known.contains($0.key) }
  }

  /// Takes out what was silent since then.
  mutating func release(before time: Int64) {
    if !places.isEmpty {
      places = places.filter { $0.value.last > time }
      forgetEnds()
    }
    certificates.release(before: time)
  }

  /// What a place showed in handshakes, in the order in which it was seen first.
  public func certificates(of place: TransportAddress) -> [ShownCertificate] { certificates[place] }

  /// Handshake datagrams that only one of two places sends.
  public struct Unanswered {
    public let client: TransportAddress
    public let server: TransportAddress
    public let first: FrameStamp
    public let datagrams: Int
  }

  /// In the order of their beginnings. An answer may come from another place than was asked: from a host with several addresses, or through
  /// a NAT.
  public var unanswered: [Unanswered] {
    let reached = Set(places.flatMap { pair, place in (place.sent.low > 0 ? [pair.high] : []) + (place.sent.high > 0 ? [pair.low] : []) })
    let waiting = places.compactMap { pair, place -> Unanswered? in
      guard (place.sent.low == 0) != (place.sent.high == 0) else { return nil }
      let (client, server) = place.sent.high == 0 ? (pair.low, pair.high) : (pair.high, pair.low)
      guard !reached.contains(client) else { return nil }
      return Unanswered(client: client, server: server, first: place.first, datagrams: place.sent.low + place.sent.high)
    }
    return waiting.sorted { $0.first.frame < $1.first.frame }
  }

  // MARK: - Keys

  /// Whether a place has begun another handshake since this one: who had its keys may have others now.
  func hasNewer(than handshake: Int, at place: TransportAddress) -> Bool { newest[place].map { $0 > handshake } ?? false }

  /// Whether SRTP was keyed between two places, as far as the hellos say.
  func isKeyed(_ way: StreamTable.Way) -> Bool {
    guard !places.isEmpty else { return false }
    return places[Pair(way)]?.associations.contains { $0.hello?.protection != nil } == true
  }

  /// The keys of who sends this way, those of the newest handshake first, with the frame of its ClientHello.
  mutating func keys(_ way: StreamTable.Way) -> [(keys: SRTPKeys, handshake: Int)] {
    let pair = Pair(way)
    guard !places.isEmpty, var place = places[pair] else { return [] }
    var found: [(keys: SRTPKeys, handshake: Int)] = []
    for index in place.associations.indices {
      if place.associations[index].keys == nil { place.associations[index].keys = derive(place.associations[index]) }
      guard let keys = place.associations[index].keys else { continue }
      let association = place.associations[index]
      found.append((association.client == way.source ? keys.client : keys.server, association.number))
    }
    places[pair] = place
    return found
  }

  private func derive(_ association: Association) -> (client: SRTPKeys, server: SRTPKeys)? {
    guard let hello = association.hello, hello.version == Self.version, let protection = hello.protection,
      let suite = SRTPSuite(protectionProfile: protection.profile), let master = keyLog.secret(Self.label, association.clientRandom),
      let material = TLSSecrets.exported(
        "EXTRACTOR-dtls_srtp", 2 * suite.keyAndSaltLength, master: master, clientRandom: association.clientRandom,
        serverRandom: hello.random, TLSCipherSuite.pseudorandomHash(hello.cipherSuite)),
      let pair = SRTPKey.pair(exported: material, suite: suite)
    else { return nil }
    let identifier = MasterKeyIdentifier(protection.identifier)
    var (client, server) = pair
    (client.identifier, server.identifier) = (identifier, identifier)
    guard let one = try? SRTPKeys(suite, client), let other = try? SRTPKeys(suite, server) else { return nil }
    return (one, other)
  }

  /// DTLS 1.2, as a ServerHello spells it.
  private static let version = UInt16(0xFEFD)
  private static let label = "CLIENT_RANDOM"

  /// Why the newest handshake between two places gives no keys; nil where there is none, or it does.
  func obstacle(_ way: StreamTable.Way) -> String? {
    guard let newest = places[Pair(way)]?.associations.first else { return nil }
    guard let hello = newest.hello else { return "its DTLS handshake was not answered in the capture" }
    guard let protection = hello.protection else { return "its DTLS handshake agreed on no protection profile for SRTP" }
    guard hello.version == Self.version else {
      return hello.version == 0x0304 || hello.version == 0xFEFC
        ? "its keys come from DTLS 1.3, which is not read here" : "its keys come from DTLS 1.0, which is not read here"
    }
    guard SRTPSuite(protectionProfile: protection.profile) != nil else {
      return "its DTLS handshake agreed on the protection profile 0x\(String(protection.profile, radix: 16)), which is not supported"
    }
    return keyLog.secret(Self.label, newest.clientRandom) == nil ? "the capture has no secret for its DTLS handshake" : nil
  }
}
