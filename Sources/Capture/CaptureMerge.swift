import SansIO

/// One capture of several: packets by time, an interface for each one of the sources.
public enum CaptureMerge {
  private struct Source {
    var reader: CaptureReader
    /// Numbers in the merged file by number in this one.
    var interfaces: [UInt32] = []
    var next: CapturedPacket?
  }

  /// Merges the captures into `output`. Packets of the same nanosecond leave in the order of `inputs`.
  ///
  /// A source that breaks off gives what it has; the first such error is thrown when the merged file is complete.
  public static func merge(_ inputs: [ByteInput], into output: ByteOutput, origin: CaptureOrigin = .virtual) throws(CaptureReadError) {
    var writer = PcapngWriter(output, origin: origin)
    var failure: CaptureReadError?
    var sources: [Source] = []
    for input in inputs {
      do throws(CaptureReadError) {
        sources.append(Source(reader: try CaptureReader(input)))
      } catch { failure = failure ?? error }
    }
    for index in sources.indices { advance(&sources[index], &writer, &failure) }
    while let earliest = earliest(of: sources), let packet = sources[earliest].next {
      writer.writePacket(packet, interface: sources[earliest].interfaces[packet.interface])
      advance(&sources[earliest], &writer, &failure)
    }
    output.flush()
    if let failure { throw failure }
  }

  /// Merges files into the file `path`.
  public static func merge(files: [String], into path: String, origin: CaptureOrigin = .virtual) throws(CaptureReadError) {
    var inputs: [ByteInput] = []
    for file in files { inputs.append(try ByteInput(path: file)) }
    let output = ByteOutput(path: path)
    try merge(inputs, into: output, origin: origin)
    output.close()
    if let failure = output.failure { throw CaptureReadError(.unreadable(failure), at: 0) }
  }

  private static func earliest(of sources: [Source]) -> Int? {
    var best: Int?
    for (index, source) in sources.enumerated() {
      guard let packet = source.next else { continue }
      if let known = best, let other = sources[known].next, other.timestamp <= packet.timestamp { continue }
      best = index
    }
    return best
  }

  /// Reads up to the source's next packet. Interfaces and secrets on the way are written at once: both must stand before packets.
  private static func advance(_ source: inout Source, _ writer: inout PcapngWriter, _ failure: inout CaptureReadError?) {
    source.next = nil
    do throws(CaptureReadError) {
      while let item = try source.reader.next() {
        switch item {
        case .interface(let interface):
          source.interfaces.append(
            writer.addInterface(named: interface.name, linkType: interface.linkType, description: interface.description))
        case .secrets(let secrets): writer.writeSecrets(type: secrets.type, secrets.data)
        case .statistics, .other: break
        case .packet(let packet):
          // Classic pcap describes no interface.
          if source.interfaces.isEmpty { source.interfaces.append(writer.addInterface(named: "pcap", linkType: packet.linkType)) }
          source.next = packet
          return
        }
      }
    } catch { failure = failure ?? error }
  }
}
