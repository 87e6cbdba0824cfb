import Counting

var count = WordCount()
while let line = readLine() { count.add(line: line) }
print("\(count.words) words on \(count.lines) lines")
