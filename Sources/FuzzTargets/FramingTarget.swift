import SIPMessage
import SansIO

/// A byte stream: what comes out does not depend on how it was cut. The first byte chooses the cuts, the rest is the stream.
enum FramingTarget {
  static func run(_ input: [UInt8]) {
    guard let choice = input.first else { return }
    let stream = Array(input.dropFirst())
    let whole = frames(stream, cuts: { _ in stream.count })
    var state = UInt64(choice) &+ 1
    let cut = frames(stream) { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return 1 + Int(state >> 33) % (choice < 128 ? 3 : 40)
    }
    hold(whole == cut, "frames do not depend on chunks: \(whole) and \(cut)")
  }

  /// Messages by their text, line ends between them counted (a ping cut in two is two pongs), and how it ended.
  private static func frames(_ stream: [UInt8], cuts: (Int) -> Int) -> [String] {
    var framer = StreamFramer()
    var result: [String] = []
    var lineEnds = 0
    func flush() {
      if lineEnds > 0 { result.append("\(lineEnds) line ends") }
      lineEnds = 0
    }
    var position = 0
    do {
      while position < stream.count {
        let end = min(stream.count, position + cuts(position))
        framer.append(Bytes(Array(stream[position..<end])))
        position = end
        while let frame = try framer.next() {
          switch frame {
          case .message(let message):
            flush()
            result.append(message.bytes.description)
          case .unreadable(let error, let bytes):
            flush()
            result.append("unreadable \(error) \(bytes)")
          case .ping: lineEnds += 2
          case .pong: lineEnds += 1
          }
          hold(framer.pendingCount <= stream.count, "nothing is made up")
        }
      }
    } catch {
      flush()
      return result + ["error \(error)"]
    }
    // CR LF CR may become a ping: it waits as one thing, or was a line end and waits as CR.
    let isHalfPing = framer.pending.elementsEqual([13, 10, 13])
    if isHalfPing { lineEnds += 1 }
    flush()
    return result + ["\(isHalfPing ? 1 : framer.pendingCount) pending"]
  }
}
